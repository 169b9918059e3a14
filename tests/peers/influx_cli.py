#!/usr/bin/python3
"""What influx/init.sh needs of "influx" of influx-cli 2: the server's side is one JSON file, NETSONDE_FAKE_INFLUX."""

import json
import os
import sys
from pathlib import Path

FILE = Path(os.environ["NETSONDE_FAKE_INFLUX"])


def options(words):
    """--name value, flags without a value, and how often each permission was named."""
    found = {}
    while words:
        word = words.pop(0)
        if words and not words[0].startswith("--"):
            found.setdefault(word, []).append(words.pop(0))
        else:
            found[word] = [""]
    return found


def main(thing, verb, *rest):
    if not FILE.exists():
        sys.exit("Error: connection refused")
    server = json.loads(FILE.read_text())
    given = options(list(rest))
    rows = server.setdefault(thing, {})
    if os.environ["INFLUX_TOKEN"] != "admin" or os.environ["INFLUX_ORG"] != "netsonde":
        sys.exit("Error: 401 Unauthorized")
    if (thing, verb) == ("bucket", "list"):
        found = [(key, row) for key, row in rows.items() if row["name"] == given["--name"][0]]
        if not found:
            sys.exit(f'Error: failed to list buckets: 404 Not Found: bucket "{given["--name"][0]}" not found')
        for key, row in found:
            print(f"{key}\t{row['name']}\t{row['retention']}\t\t0123456789abcdef\timplicit")
    elif (thing, verb) == ("task", "list"):
        for key, row in rows.items():
            print(f"{key}\t{row['name']}\tfedcba9876543210\tnetsonde\tactive\t1h\t")
    elif (thing, verb) == ("auth", "list"):
        print(json.dumps([{"id": key, **row} for key, row in rows.items()], indent="\t"))
    elif verb in ("create", "update"):
        key = given["--id"][0] if verb == "update" else f"{len(rows) + 1:016x}"
        row = rows.setdefault(key, {})
        if thing == "bucket":
            row.update(retention=given["--retention"][0], **({"name": given["--name"][0]} if verb == "create" else {}))
        elif thing == "task":
            text = Path(given["--file"][0]).read_text()
            row.update(name=text.split('name: "')[1].split('"')[0], text=text)
        else:
            row.update(description=given["--description"][0], token=f"token-{server['name']}-{key}==",
                       reads=given.get("--read-bucket", []), writes=given.get("--write-bucket", []))
            print(json.dumps({"id": key, **row}, indent="\t"))
        FILE.write_text(json.dumps(server))
    else:
        sys.exit(f'Error: unknown command "{thing} {verb}"')


main(*sys.argv[1:])
