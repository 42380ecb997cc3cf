"""Where metrics are registered, so that they count for all processes of a proxy together.

- `registry`: the registry of one process, which reads the figures of its siblings, too.
- `process`: processor time, memory and descriptors of the processes.
- `labels`: label values that are bounded whatever a request says.
- `calls`: calls to Redis, to backends and of the API, and the time they take.
- `lag`: the lateness of the reactor.
- `version`: the versions that run, and the configuration that they run by.
- `files`: the folder through which the processes of a proxy share their figures.
- `own_files`: the files of one process in it, made again where they were removed.

How to write a metric, so that it is right in one process and with workers:

- ``Counter`` and ``Histogram`` need nothing but ``registry=``; those of all workers are added up,
  also of workers that have ended.
- ``Gauge`` needs ``multiprocess_mode=``: ``"livesum"`` for what is added up (open sessions),
  ``"livemax"`` or ``"livemin"`` for the worst value of any worker. Only the ``live…`` modes forget
  a worker that has ended.
- A figure that is counted elsewhere is added by `Registry.counter` or `Registry.gauge` with a
  function that reads it. No collector of one's own, and neither ``Info``, ``Enum`` nor exemplars:
  those work in a single process only.
- A metric is made when the process starts, once, and its labels have few values.
"""

from .registry import Registry

__all__ = ["Registry"]
