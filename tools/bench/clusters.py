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
those of the program alone. Each does a fifth of the rows and then all of them: rows a second are those of the difference,
and what is left is what a job costs before its first row (Python's workers, imports, nets that are opened). Engines take
turns with the program alone; a ratio is to the runs just before and just after. On a machine that does other things too, rows
by seconds of processors, of all processes that descend from this one, say more than rows by time: on cores of which all are
busy, that is what throughput comes to.
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


def write_rows(options, count, work):
    """A Parquet file of so many rows, and for each process alone a file of lines."""
    import pyarrow
    import pyarrow.parquet

    rows = [(number, str(options.images[number % len(options.images)]), QUESTIONS[number % len(QUESTIONS)])
            for number in range(count)]  # fmt: skip
    pictures = [pathlib.Path(path).read_bytes() if options.bytes else path for _, path, _ in rows]
    table = pyarrow.table({
        "key": [row[0] for row in rows], "image": pictures, "question": [row[2] for row in rows]})
    # In groups, so that engines can divide it.
    pyarrow.parquet.write_table(table, f"{work}/{count}.parquet", row_group_size=-(-len(rows) // 16))
    parts = [f"{work}/{count}-{number}.jsonl" for number in range(options.workers)]
    size = -(-len(rows) // len(parts))
    for number, part in enumerate(parts):
        pathlib.Path(part).write_text("".join(
            json.dumps({"id": key, "image": path, "question": question}) + "\n"
            for key, path, question in rows[number * size : (number + 1) * size]))
    return parts


class Alone:
    def __init__(self, options, work):
        self.parts = {count: write_rows(options, count, work) for count in sizes(options)}
        settings = [word for setting in options.set for word in ("--set", setting)]
        self.command = [options.ingot, "ask", *settings, "--shelf", options.shelf, "--threads", "1"]

    def run(self, count):
        running = []
        for part in self.parts[count]:
            with open(part) as lines, open(f"{part}.out", "w") as out:
                running.append(subprocess.Popen(self.command, stdin=lines, stdout=out))
        if any([process.wait() for process in running]):
            sys.exit("the program alone failed")
        answers = {}
        for part in self.parts[count]:
            for line in pathlib.Path(f"{part}.out").read_text().splitlines():
                answer = json.loads(line)
                answers[answer["id"]] = answer["answer"]
        return answers


def sizes(options):
    return options.rows // 5, options.rows


def net(options):
    return {
        "parameters": dict(setting.split("=", 1) for setting in options.set), "shelf": options.shelf,
        "program": options.ingot}


class Ray:
    def __init__(self, options, work):
        import ray
        import ray.data

        self.ray, self.options, self.work = ray, options, work
        # Reading takes one too: with none left for it, nothing would ever begin.
        ray.init(
            num_cpus=options.workers + 1, include_dashboard=False, log_to_driver=False, configure_logging=False,
            runtime_env={"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}})
        ray.data.DataContext.get_current().enable_progress_bars = False
        ray.data.range(options.workers).map_batches(lambda batch: batch).take_all()

    def run(self, count):
        ray = self.ray
        rows = ray.data.read_parquet(f"{self.work}/{count}.parquet")
        answered = rows.repartition(target_num_rows_per_block=256).map_batches(
            ingot.ray.Ask, batch_size=256, num_cpus=1, compute=ray.data.ActorPoolStrategy(size=self.options.workers),
            fn_constructor_kwargs={**net(self.options), "threads": 1})
        return {row["key"]: row["answer"] for row in answered.select_columns(["key", "answer"]).take_all()}

    def close(self):
        self.ray.shutdown()


class Spark:
    def __init__(self, options, work):
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable
        self.options, self.work = options, work
        self.session = (
            SparkSession.builder.master(f"local-cluster[{options.workers},1,1024]").appName("ingot")
            .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").config("spark.log.level", "ERROR")
            .config("spark.executorEnv.PYTHONPATH", os.environ.get("PYTHONPATH", "")).getOrCreate())
        self.session.range(8).repartition(8).count()

    def run(self, count):
        frame = ingot.spark.ask(
            self.session.read.parquet(f"{self.work}/{count}.parquet").repartition(4 * self.options.workers), **net(self.options), threads=1)
        return {row.key: row.answer for row in frame.select("key", "answer").collect()}

    def close(self):
        self.session.stop()


def processors():
    """Seconds of processors that this process took and all that descend from it, also those that have ended."""
    parents, used = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended: who waited for it has its time
            continue
        parents[int(path.parent.name)] = int(fields[1])
        used[int(path.parent.name)] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    total = 0.0
    for process in used:
        ancestor = process
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor]
        total += used[process] if ancestor == os.getpid() else 0
    return total


class Timed:
    """Of all rows but a fifth: rows a second of time, and of processors; seconds before the first one; the answers."""

    def __init__(self, action, options):
        few, many = sizes(options)
        moments = [(time.perf_counter(), processors())]
        for count in (few, many):
            self.answers = action(count)
            moments.append((time.perf_counter(), processors()))
        (first, cpu_of_first), (second, cpu_of_second) = (
            [after - before for before, after in zip(*pair)] for pair in zip(moments, moments[1:]))
        self.rate = (many - few) / (second - first)
        self.efficiency = (many - few) / (cpu_of_second - cpu_of_first)
        self.start = first - few / self.rate


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
        print("| | rows a second | alone | of it | rows a second of processors | alone | of it | before the first row, s |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        for name in options.engines.split(","):
            engine = {"ray": Ray, "spark": Spark}[name](options, work)
            runs, alones = [], []
            try:
                alones.append(Timed(alone.run, options))
                for _ in range(options.runs):
                    runs.append(Timed(engine.run, options))
                    alones.append(Timed(alone.run, options))
                    if runs[-1].answers != alones[-1].answers:
                        sys.exit(f"{name}: other answers than alone")
            finally:
                engine.close()
            cells = [name]
            for of in (lambda run: run.rate, lambda run: run.efficiency):
                beside = [(of(before) + of(after)) / 2 for before, after in zip(alones, alones[1:])]
                ratios = [of(run) / other for run, other in zip(runs, beside)]
                cells += [f"{statistics.median(map(of, runs)):.1f}", f"{statistics.median(beside):.1f}",
                          f"{statistics.median(ratios):.3f} ({min(ratios):.3f} – {max(ratios):.3f})"]  # fmt: skip
            cells.append(f"{statistics.median([run.start for run in runs]):.1f}")
            print("| " + " | ".join(cells) + " |", flush=True)
    print(f"\nload {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
