"""Links between zones, of which one cannot dial the other."""
