"""Apache Spark as the engine of a build: each batch of customers is a task, which reads and writes files by itself.

Rows never go through Spark: it is told the numbers of the batches, and where their files are. Every worker needs this
project installed as the driver has it, and the shared folder under the same path.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models.terms import Terms
from pipelines.errors import SettingsError
from pipelines.processes import ENVIRONMENT
from pipelines.warehouse import parts

if TYPE_CHECKING:
    from pyspark import SparkContext

LINES_A_TASK = 500_000
"""Invoice lines whose customers are one task: a gigabyte of memory a core."""


def engine(master: str) -> parts.Engine:
    """The engine that runs on a master, such as `local[2]`, `spark://host:7077` or `yarn`.

    Raises:
        SettingsError: Spark or Java is not there.
    """
    fault = missing()
    if fault:
        raise SettingsError(fault)

    def run(folder: Path, batches: Sequence[int], terms: Terms) -> None:
        with _context(master) as context:
            context.parallelize(batches, len(batches)).foreach(lambda number: parts.make(folder, number, terms))

    return run


def missing() -> str | None:
    """What Spark lacks to run here, and what to do about it; None where nothing."""
    if find_spec("pyspark") is None:
        return "REVENUE_ENGINE is spark, but PySpark is not installed: pip install 'revenue[spark]'."
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        return "REVENUE_ENGINE is spark, but no Java is found: install a Java 17 or later, or set JAVA_HOME."
    return None


@contextmanager
def _context(master: str) -> Iterator["SparkContext"]:
    from pyspark import SparkConf, SparkContext

    settings = {
        **{f"spark.executorEnv.{name}": value for name, value in ENVIRONMENT.items()},
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf().setMaster(master).setAppName("revenue").setAll(list(settings.items()))
    context = SparkContext(conf=conf)
    try:
        yield context
    finally:
        context.stop()
