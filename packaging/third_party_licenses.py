"""Prints the licences of the libraries that the program contains, from the sources that Cargo built them from."""

import json
import pathlib
import subprocess
import sys

NAMES = ("license", "licence", "copying", "notice", "unlicense", "copyright")


def main() -> None:
    """Reads Cargo's metadata and prints one list of libraries and each different licence text once."""
    host = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    target = next(line.split()[1] for line in host.splitlines() if line.startswith("host:"))
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    texts: dict[str, list[str]] = {}
    print("The program fanlane contains these libraries:\n")
    for package in sorted(
        (packages[identity] for identity in linked(nodes, metadata["resolve"]["root"])),
        key=lambda package: (package["name"], package["version"]),
    ):
        if package["source"] is None:
            continue
        title = f"{package['name']} {package['version']}"
        print(f"{title}: {package['license'] or 'see its text below'}")
        folder = pathlib.Path(package["manifest_path"]).parent
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.name.lower().startswith(NAMES):
                text = file.read_text(encoding="utf-8", errors="replace").strip()
                texts.setdefault(text, []).append(title)
    for text, titles in texts.items():
        print(f"\n{'-' * 80}\n{', '.join(titles)}:\n\n{text}")


def linked(nodes: dict, root: str) -> set[str]:
    """The packages that end up in the program: ordinary dependencies, not those of tests and of builds."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        identity = waiting.pop()
        if identity in found:
            continue
        found.add(identity)
        for dependency in nodes[identity]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


if __name__ == "__main__":
    sys.exit(main())
