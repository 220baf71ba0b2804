"""Any sequence of copies, moves, renames and deletions, compared with a model of the media library."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from examples import plays
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from emulator_client import Client

FOLDERS = ("a/", "a/b/", "a/b/a/", "b/", "b/a/")
NAMES = ("x", "y")
folders, names = st.sampled_from(FOLDERS), st.sampled_from(NAMES)
UPLOADS = st.tuples(st.just("upload"), folders, names)
CHANGES = st.one_of(
    st.tuples(st.just("copy"), folders, names, folders, st.booleans()),
    st.tuples(st.just("move"), folders, names, folders),
    st.tuples(st.just("rename"), folders, names, names),
    st.tuples(st.just("create_folder"), st.sampled_from(("a/", "b/"))),
    st.tuples(st.just("delete_folder"), folders),
    st.tuples(st.just("copy_folder"), folders, folders, st.booleans()),
    st.tuples(st.just("move_folder"), folders, folders),
    st.tuples(st.just("rename_folder"), folders, st.sampled_from("abc")),
)
ROOTS, SIZES = count(1), count(1)


@dataclass
class Model:
    """What the library should contain; each version is known by its size."""

    files: dict[str, list[int]] = field(default_factory=dict)
    """The versions of each path, oldest first."""
    folders: set[str] = field(default_factory=set)

    def add(self, folder: str, name: str, versions: list[int]) -> bool:
        """Append versions to a file, which may be new."""
        self.files[folder + name] = self.files.get(folder + name, []) + versions
        return self.add_folder(folder)

    def add_folder(self, folder: str) -> bool:
        """Create a folder and its parents."""
        parts = folder.strip("/").split("/")
        self.folders |= {"/".join(parts[: end + 1]) + "/" for end in range(len(parts))}
        return True

    def copy(self, folder: str, name: str, to: str, *, all_versions: bool) -> bool:
        """Copy a file; return whether that is possible."""
        versions = self.files.get(folder + name)
        if versions is None or folder == to:
            return False
        return self.add(to, name, versions if all_versions else versions[-1:])

    def move(self, folder: str, name: str, to: str) -> bool:
        """Move a file."""
        return self.copy(folder, name, to, all_versions=True) and bool(self.files.pop(folder + name))

    def rename(self, folder: str, name: str, new: str) -> bool:
        """Rename a file."""
        if folder + name not in self.files or folder + new in self.files:
            return False
        self.files[folder + new] = self.files.pop(folder + name)
        return True

    def change_folder(self, source: str, target: str, *, all_versions: bool = True, keep: bool = False) -> bool:
        """Copy or move all that is below a folder."""
        for path in [path for path in self.folders if path.startswith(source)]:
            self.add_folder(target + path.removeprefix(source))
        for path, versions in [*self.files.items()]:
            if path.startswith(source):
                folder, _, name = (target + path.removeprefix(source)).rpartition("/")
                self.add(f"{folder}/", name, versions if all_versions else versions[-1:])
        return keep or self.delete_folder(source)

    def delete_folder(self, folder: str) -> bool:
        """Delete a folder."""
        existed = folder in self.folders
        self.folders = {path for path in self.folders if not path.startswith(folder)}
        self.files = {path: versions for path, versions in self.files.items() if not path.startswith(folder)}
        return existed

    def step(self, kind: str, *arguments: Any) -> bool:
        """Take a step; return whether it is possible."""
        if kind == "copy":
            return self.copy(*arguments[:3], all_versions=arguments[3])
        if kind in {"copy_folder", "move_folder"}:
            source, to, *flags = arguments
            target = f"{to}{source.split('/')[-2]}/"
            if source not in self.folders or to.startswith(source) or target == source:
                return False
            return self.change_folder(source, target, all_versions=flags != [False], keep=kind == "copy_folder")
        if kind == "rename_folder":
            source, name = arguments
            target = f"{source[:-1].rpartition('/')[0]}/{name}/".lstrip("/")
            possible = source in self.folders and target not in self.folders
            return possible and self.change_folder(source, target)
        steps = {"create_folder": self.add_folder, "delete_folder": self.delete_folder}
        return {"upload": self.add, "move": self.move, "rename": self.rename, **steps}[kind](*arguments)


def take(client: Client, root: str, kind: str, *arguments: Any) -> bool:
    """Take a step in a folder of the emulator; return whether it succeeded."""
    first, *rest = arguments
    folder = root + first
    if kind == "upload":
        return client.fixed(rest[0], b"x" * rest[1][0], folder=folder).is_success
    bodies: dict[str, Any] = {
        "copy": lambda name, to, flag: {
            "sourceFilePath": folder + name,
            "destinationPath": root + to,
            "includeFileVersions": flag,
        },
        "move": lambda name, to: {"sourceFilePath": folder + name, "destinationPath": root + to},
        "rename": lambda name, new: {"filePath": folder + name, "newFileName": new},
        "create_folder": lambda: {"parentFolderPath": root, "folderName": first.strip("/")},
        "delete_folder": lambda: {"folderPath": folder},
        "copy_folder": lambda to, flag: {
            "sourceFolderPath": folder,
            "destinationPath": root + to,
            "includeVersions": flag,
        },
        "move_folder": lambda to: {"sourceFolderPath": folder, "destinationPath": root + to},
        "rename_folder": lambda name: {"folderPath": folder, "newFolderName": name},
    }
    return client.api(*ENDPOINTS[kind].split(), json=bodies[kind](*rest)).is_success


ENDPOINTS = {
    "copy": "POST /v1/files/copy",
    "move": "POST /v1/files/move",
    "rename": "PUT /v1/files/rename",
    "create_folder": "POST /v1/folder",
    "delete_folder": "DELETE /v1/folder",
    "copy_folder": "POST /v1/bulkJobs/copyFolder",
    "move_folder": "POST /v1/bulkJobs/moveFolder",
    "rename_folder": "POST /v1/bulkJobs/renameFolder",
}


@plays(60)
@given(st.lists(UPLOADS, min_size=3, max_size=7), st.lists(CHANGES, min_size=1, max_size=8))
def test_any_sequence(client: Client, uploads: list[tuple[Any, ...]], changes: list[tuple[Any, ...]]) -> None:
    """Each step succeeds if it is possible in the model, and afterwards there are the same files and versions."""
    root, model = f"/root{next(ROOTS)}/", Model()
    for kind, *arguments in [*uploads, *changes]:
        size = [[next(SIZES)]] if kind == "upload" else []
        expected = model.step(kind, *arguments, *size)
        assert take(client, root, kind, *arguments, *size) == expected, (kind, arguments)
    files = client.api("GET", "/v1/files", params={"searchQuery": f'path : "{root}"'}).json()
    assert {file["filePath"].removeprefix(root): sizes(client, file["fileId"]) for file in files} == model.files


def sizes(client: Client, file_id: str) -> list[int]:
    """Return the sizes of a file's versions, oldest first."""
    versions = client.api("GET", f"/v1/files/{file_id}/versions").json()
    return [version["size"] for version in reversed(versions)]
