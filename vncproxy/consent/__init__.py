"""What users accept and others approve of before a console is shown.

- `approvals`: who has approved of a session, and who counts.
- `consent`: what one session waits for.
- `pings`: notices that the browser of a session that waits is gone.
- `cards`: what viewers without a page are shown meanwhile.
- `painted_viewer`: shows it to one of them.
- `handover`: from there to the console.
"""
