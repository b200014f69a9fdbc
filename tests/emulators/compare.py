"""Runs the same conversations with our simulated account and with two emulators, and compares the responses.

    compare.py PROGRAM LOGS [--only SERVICE] [--rows]

PROGRAM serves our account; LOGS is a folder for the servers' logs. `--rows` prints every new difference as rows for
`differences.md`. Exits with 0 if every difference is in the table and every row of the table occurs, 1 if not, and 2 if
the check could not run.
"""

import argparse
import importlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import accounts
import differences
import table
from transcript import Transcript

HERE = Path(__file__).resolve().parent

# The names in boto3; each service has a module with its conversation. The services of one row run one after the other,
# because the second needs a resource of the first; the rows run concurrently.
ROWS_OF_SERVICES = [
    ["ecs", "application-autoscaling"],
    ["dynamodb"],
    ["elbv2"],
    ["events"],
    ["logs"],
    ["s3"],
    ["secretsmanager"],
    ["sns"],
    ["sqs"],
]
SERVICES = sorted(service for row in ROWS_OF_SERVICES for service in row)

# Emulators without a service.
WITHOUT = {"ministack": ["application-autoscaling"]}

MOST_WORKERS = 32


def main():
    arguments = read_arguments()
    services = [arguments.only] if arguments.only else SERVICES
    try:
        rows = [row for row in table.read((HERE / "differences.md").read_text()) if row.service in services]
        answers = converse(arguments.program, arguments.logs, services)
    except (accounts.NotStarted, table.BadTable) as problem:
        print(f"cannot compare: {problem}", file=sys.stderr)
        return 2
    return report(rows, services, answers, arguments.rows)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("logs", type=Path)
    parser.add_argument("--only", choices=SERVICES)
    parser.add_argument("--rows", action="store_true")
    return parser.parse_args()


def converse(program, logs, services):
    """Returns the transcripts, by service and account."""
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running, ThreadPoolExecutor(MOST_WORKERS) as workers:
        starts = [workers.submit(accounts.start_world, program, logs)]
        starts += [workers.submit(accounts.start_emulator, name, logs) for name in table.EMULATORS]
        problems, found = [], []
        for start in starts:
            try:
                server, account = start.result()
                running.enter_context(server)
                found.append(account)
            except accounts.NotStarted as problem:
                problems.append(problem)
        if problems:
            raise problems[0]
        rows = [[service for service in row if service in services] for row in ROWS_OF_SERVICES]
        talks = [workers.submit(talk, row, account) for account in found for row in rows]
        return {key: transcript for row in talks for key, transcript in row.result().items()}


def talk(services, account):
    """Returns the transcripts of one account with these services, by service and account."""
    transcripts = {}
    for service in services:
        if service in WITHOUT.get(account.name, []):
            continue
        say = transcripts[service, account.name] = Transcript(account, service)
        importlib.import_module(f"talks.{service}").talk(say, account)
    return transcripts


def report(rows, services, answers, print_rows):
    found, faults, steps = [], [], 0
    for service in services:
        ours = answers[service, "ours"]
        steps += len(ours.steps)
        faults += [f"{service}: {fault}" for fault in ours.faults]
        for emulator in table.EMULATORS:
            if (service, emulator) in answers:
                found += differences.between(service, ours.steps, emulator, answers[service, emulator].steps)
    unexplained, stale = table.judge(rows, found)
    if print_rows:
        print(table.as_rows(unexplained))
    for fault in faults:
        print(f"not by botocore's model  {fault}")
    for new in unexplained:
        print(f"new difference  {new.service}: {new.step}: {new.member}: ours {new.ours}, {new.emulator} {new.theirs}")
    for row, what in stale:
        print(f"no longer occurs  differences.md:{row.line}: {row.service}: {what}")
    print(
        f"{steps} steps with {len(services)} services: {len(found)} differences from the emulators, "
        f"{len(unexplained)} new; {len(stale)} rows no longer occur; "
        f"{len(faults)} faults by botocore's model"
    )
    return 1 if unexplained or stale or faults else 0


if __name__ == "__main__":
    sys.exit(main())
