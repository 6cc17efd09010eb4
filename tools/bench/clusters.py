#!/usr/bin/env python3
"""Times nets over Ray and Spark beside the program alone on the same cores.

    pip install ./python 'ray[data]' pyspark pandas pyarrow        (and Java)
    python3 tools/bench/clusters.py .build/release/ingot --shelf SHELF --set Release=NAME IMAGE…
        [--rows 4000] [--workers 2] [--runs 3] [--engines ray,spark] [--bytes] [--work FOLDER]

Rows lie in a Parquet file: a key, a picture (its path, or with --bytes its file's bytes), a question; each of another
picture than the one before. What is timed:

alone      As many processes of `ingot ask <jsonl` as there are workers, one thread each, with the same rows in equal parts:
           from the first one's start to the last one's end.
ray        `map_batches(ingot.ray.Ask)` with as many actors, from reading the Parquet file to all rows being there.
spark      `ingot.spark.ask` in local-cluster mode, as many executors of one core, from reading to collecting.

Engines are started before, and have run a small job; their processes run on the same cores as the nets. Answers must be
those of the program alone. They take turns with it; a ratio is of rows a second to the run alone just before and the one
just after.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import ingot
import ingot.ray
import ingot.spark

QUESTIONS = ["what is in the picture?", "what color is it?", "is there a circle?", "how many are there?"]


def write_rows(options, work):
    """The Parquet file, and for each process alone a file of lines."""
    import pyarrow
    import pyarrow.parquet

    rows = [(number, str(options.images[number % len(options.images)]), QUESTIONS[number % len(QUESTIONS)])
            for number in range(options.rows)]  # fmt: skip
    pictures = [pathlib.Path(path).read_bytes() if options.bytes else path for _, path, _ in rows]
    table = pyarrow.table({
        "key": [row[0] for row in rows], "image": pictures, "question": [row[2] for row in rows]})
    # In groups, so that engines can divide it.
    pyarrow.parquet.write_table(table, f"{work}/rows.parquet", row_group_size=-(-len(rows) // 16))
    parts = [f"{work}/part-{number}.jsonl" for number in range(options.workers)]
    size = -(-len(rows) // len(parts))
    for number, part in enumerate(parts):
        pathlib.Path(part).write_text("".join(
            json.dumps({"id": key, "image": path, "question": question}) + "\n"
            for key, path, question in rows[number * size : (number + 1) * size]))
    return parts


class Alone:
    def __init__(self, options, work):
        self.parts = write_rows(options, work)
        settings = [word for setting in options.set for word in ("--set", setting)]
        self.command = [options.ingot, "ask", *settings, "--shelf", options.shelf, "--threads", "1"]

    def run(self):
        running = []
        for part in self.parts:
            with open(part) as lines, open(f"{part}.out", "w") as out:
                running.append(subprocess.Popen(self.command, stdin=lines, stdout=out))
        if any([process.wait() for process in running]):
            sys.exit("the program alone failed")
        answers = {}
        for part in self.parts:
            for line in pathlib.Path(f"{part}.out").read_text().splitlines():
                answer = json.loads(line)
                answers[answer["id"]] = answer["answer"]
        return answers


def net(options):
    return {
        "parameters": dict(setting.split("=", 1) for setting in options.set), "shelf": options.shelf,
        "program": options.ingot}


class Ray:
    def __init__(self, options, work):
        import ray
        import ray.data

        self.ray, self.options, self.rows = ray, options, f"{work}/rows.parquet"
        ray.init(
            num_cpus=options.workers, include_dashboard=False, log_to_driver=False, configure_logging=False,
            runtime_env={"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}})
        ray.data.DataContext.get_current().enable_progress_bars = False
        ray.data.range(options.workers).map_batches(lambda batch: batch).take_all()

    def run(self):
        ray = self.ray
        answered = ray.data.read_parquet(self.rows, override_num_blocks=4 * self.options.workers).map_batches(
            ingot.ray.Ask, batch_size=256, num_cpus=1, compute=ray.data.ActorPoolStrategy(size=self.options.workers),
            fn_constructor_kwargs={**net(self.options), "threads": 1})
        return {row["key"]: row["answer"] for row in answered.select_columns(["key", "answer"]).take_all()}

    def close(self):
        self.ray.shutdown()


class Spark:
    def __init__(self, options, work):
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        self.options, self.rows = options, f"{work}/rows.parquet"
        self.session = (
            SparkSession.builder.master(f"local-cluster[{options.workers},1,1024]").appName("ingot")
            .config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
            .config("spark.sql.files.maxPartitionBytes", str(max(1 << 16, os.path.getsize(self.rows) // 8)))
            .config("spark.executorEnv.PYTHONPATH", os.environ.get("PYTHONPATH", "")).getOrCreate())
        self.session.range(8).repartition(8).count()

    def run(self):
        frame = ingot.spark.ask(
            self.session.read.parquet(self.rows).repartition(4 * self.options.workers), **net(self.options), threads=1)
        return {row.key: row.answer for row in frame.select("key", "answer").collect()}

    def close(self):
        self.session.stop()


def timed(action):
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ingot", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("images", nargs="+", metavar="IMAGE", type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--shelf", required=True, type=lambda path: str(pathlib.Path(path).resolve()))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--engines", default="ray,spark")
    parser.add_argument("--bytes", action="store_true")
    parser.add_argument("--work", metavar="FOLDER")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors, {options.rows} rows")
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        alone = Alone(options, work)
        print("| | rows a second | alone | of it | least – most |\n|---|---:|---:|---:|---|")
        for name in options.engines.split(","):
            engine = {"ray": Ray, "spark": Spark}[name](options, work)
            ours, theirs, ratios = [], [], []
            try:
                before, wanted = timed(alone.run)
                for _ in range(options.runs):
                    seconds, answers = timed(engine.run)
                    if answers != wanted:
                        sys.exit(f"{name}: other answers than alone")
                    after, _ = timed(alone.run)
                    ours.append(options.rows / seconds)
                    theirs.append(options.rows / statistics.mean([before, after]))
                    ratios.append(statistics.mean([before, after]) / seconds)
                    before = after
            finally:
                engine.close()
            print(f"| {name} | {statistics.median(ours):.1f} | {statistics.median(theirs):.1f} | "
                  f"{statistics.median(ratios):.3f} | {min(ratios):.3f} – {max(ratios):.3f} |", flush=True)  # fmt: skip
    print(f"\nload {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
