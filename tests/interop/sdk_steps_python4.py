"""What `imagekitio` 3 and 4 do, which have the same methods."""

from __future__ import annotations

import re
from numbers import Real
from typing import Any

from sdk_steps import ID, NOBODY, TEXT, TIME, Step, call, file, new, ref
from sdk_steps_current import BAD_ID, DETAILED, PICTURE, PRICE, TAGGER

FORM = {
    "folder": "/sdk",
    "use_unique_file_name": False,
    "tags": ["a", "b"],
    "response_fields": ["tags", "custom_metadata"],
}
NUMBER = new(
    "CustomMetadataFieldsSchema", type=new("CustomMetaDataTypeEnum", name="Number"), min_value=0, max_value=1000
)
VERSION = (ref("one.fileId"), ref("one.versionInfo.id"))


def upload(operation: str, content: Any, name: str, attributes: dict[str, Any], **options: Any) -> Step:
    """Return an upload."""
    given = {"options": new("UploadFileRequestOptions", **attributes)} if attributes else {}
    return call(operation, {"file": content, "fileName": name, **given}, **options)


def optioned(operation: str, kind: str, *arguments: Any, given: dict[str, Any], **options: Any) -> Step:
    """Return a call whose options are an object of a class."""
    return call(operation, *arguments, {"options": new(f"{kind}RequestOptions", **given)}, **options)


FILES = (
    optioned(
        "create_custom_metadata_fields",
        "CreateCustomMetadataFields",
        given={"name": "price", "label": "Price", "schema": NUMBER},
        shows={"id": ID, **PRICE},
        save="field",
    ),
    optioned(
        "create_custom_metadata_fields",
        "CreateCustomMetadataFields",
        given={"name": "price", "label": "Price", "schema": NUMBER},
        status=400,
        shows={"message": TEXT},
    ),
    call("get_custom_metadata_fields", shows={"list": [{"name": "price"}]}),
    optioned(
        "update_custom_metadata_fields",
        "UpdateCustomMetadataFields",
        ref("field.id"),
        given={"label": "Cost"},
        shows={"label": "Cost"},
    ),
    upload(
        "upload_file",
        file("one.png"),
        "one.png",
        {**FORM, "custom_metadata": {"price": 5}, "extensions": TAGGER},
        shows={
            "fileId": ID,
            "name": "one.png",
            "filePath": "/sdk/one.png",
            "width": 4,
            "tags": ["a", "b"],
            "customMetadata": {"price": 5},
            "AITags": [{"name": "Stand-in"}],
        },
        save="one",
    ),
    upload("upload", ref("picture"), "two.png", FORM, shows={"width": 4}, save="two"),
    upload("upload_file", ref("two.url"), "url.png", {}, shows={"width": 4}),
    upload(
        *("upload", ref("picture"), "x", {"checks": '"file.size" > 1mb', "is_published": True}),
        status=400,
        shows={"message": TEXT},
        only="imagekitio 4.2",
    ),
    upload("upload", ref("picture"), "x", {}, key="private_other", status=403, shows={"message": TEXT}),
    call("get_file_details", ref("one.fileId"), shows={**DETAILED, **PICTURE, "customMetadata": {"price": 5}}),
    call("get_file_details", NOBODY, status=404, shows={"message": TEXT}),
    call("get_file_details", "bad", status=400, shows=BAD_ID),
    optioned(
        "update_file_details",
        "UpdateFile",
        ref("one.fileId"),
        given={
            "tags": ["c"],
            "custom_coordinates": "0,0,2,2",
            "custom_metadata": {"price": 7},
            "extensions": TAGGER,
            "remove_ai_tags": ["Stand-in"],
        },
        shows={"tags": ["c"], "customCoordinates": "0,0,2,2", "customMetadata": {"price": 7}, "updatedAt": TIME},
    ),
    optioned("update_file_details", "UpdateFile", NOBODY, given={"tags": ["c"]}, status=404, shows={"message": TEXT}),
    call("get_metadata", ref("one.fileId"), shows={"width": 4, "format": "png", "pHash": ID}, save="metadata"),
    call("get_file_metadata", ref("one.fileId"), shows={"width": 4}),
    call("get_file_metadata", "bad", status=400, shows=BAD_ID),
    call("get_remote_url_metadata", ref("two.url"), shows={"width": 4, "format": "png"}),
    call("get_remote_file_url_metadata", ref("two.url"), shows={"width": 4}),
    call("phash_distance", ref("metadata.pHash"), ref("metadata.pHash"), shows=0),
    upload("upload", file("one.png", "other"), "one.png", FORM, save="newer"),
    call(
        "get_file_versions",
        ref("one.fileId"),
        shows={"list": [{"versionInfo": {"name": "Version 2"}}, {"versionInfo": {"name": "Version 1"}}]},
    ),
    call("get_file_version_details", *VERSION, shows={"versionInfo": {"name": "Version 1"}, "width": 4}),
    call("get_file_version_details", ref("one.fileId"), NOBODY, status=404, shows={"message": TEXT}),
    call("restore_file_version", *VERSION, shows={"name": "one.png", "width": 4}),
    call(
        "delete_file_version",
        *VERSION,
        status=400,
        shows={"message": "You cannot delete current version of a file."},
    ),
    call("delete_file_version", ref("one.fileId"), ref("newer.versionInfo.id")),
    call("delete_file_version", ref("one.fileId"), NOBODY, status=404, shows={"message": TEXT}),
    call("add_tags", [ref("one.fileId"), ref("two.fileId")], ["red"], shows={"successfullyUpdatedFileIds": [ID, ID]}),
    call("remove_tags", [ref("one.fileId")], ["red"], shows={"successfullyUpdatedFileIds": [ID]}),
    call("remove_ai_tags", [ref("one.fileId")], ["Stand-in"], shows={"successfullyUpdatedFileIds": [ID]}),
    call("add_tags", [NOBODY], ["red"], status=404, shows={"missingFileIds": [NOBODY]}),
)
FOLDERS = (
    optioned("create_folder", "CreateFolder", given={"folder_name": "made", "parent_folder_path": "/sdk"}),
    optioned(
        "create_folder",
        "CreateFolder",
        given={"folder_name": "a/b", "parent_folder_path": "/sdk"},
        status=400,
        shows={"message": "folderName parameter cannot have a slash."},
    ),
    optioned(
        "copy_file",
        "CopyFile",
        given={"source_file_path": "/sdk/one.png", "destination_path": "/sdk/made/", "include_file_versions": True},
    ),
    optioned(
        "copy_file",
        "CopyFile",
        given={"source_file_path": "/no.png", "destination_path": "/"},
        status=404,
        shows={"message": TEXT},
    ),
    optioned("move_file", "MoveFile", given={"source_file_path": "/sdk/two.png", "destination_path": "/sdk/made/"}),
    optioned(
        "move_file",
        "MoveFile",
        given={"source_file_path": "/sdk/two.png", "destination_path": "/sdk/made/"},
        status=404,
        shows={"reason": "SOURCE_FILE_MISSING"},
    ),
    optioned(
        "rename_file",
        "RenameFile",
        given={"file_path": "/sdk/made/two.png", "new_file_name": "three.png", "purge_cache": True},
        shows={"purgeRequestId": ID},
    ),
    optioned(
        "rename_file",
        "RenameFile",
        given={"file_path": "/sdk/made/three.png", "new_file_name": "one.png"},
        status=409,
        shows={"reason": "FILE_ALREADY_EXISTS"},
    ),
    optioned(
        "list_files",
        "ListAndSearchFile",
        given={"path": "/sdk/made", "sort": "ASC_NAME"},
        shows={"list": [{**DETAILED, **PICTURE, "name": "one.png"}, {"name": "three.png"}]},
    ),
    optioned(
        "list_files",
        "ListAndSearchFile",
        given={"tags": ["red", "blue"], "file_type": "image", "limit": 1, "skip": 0},
        shows={"list": [{"name": "three.png"}]},
    ),
    optioned(
        "list_files",
        "ListAndSearchFile",
        given={"search_query": 'tags IN ["red"]'},
        shows={"list": [{"name": "three.png"}]},
    ),
    optioned(
        "list_files",
        "ListAndSearchFile",
        given={"type": "folder", "path": "/sdk"},
        shows={"list": [{"type": "folder", "name": "made"}]},
    ),
    optioned(
        "list_files",
        "ListAndSearchFile",
        given={"search_query": 'createdAt > "soon"'},
        status=400,
        shows={"message": TEXT},
    ),
    optioned(
        "copy_folder",
        "CopyFolder",
        given={"source_folder_path": "/sdk/made", "destination_path": "/sdk/copies", "include_file_versions": True},
        shows={"jobId": ID},
        save="copying",
    ),
    call("get_bulk_job_status", ref("copying.jobId"), until=True, shows={"type": "COPY_FOLDER", "status": "Completed"}),
    optioned(
        "move_folder",
        "MoveFolder",
        given={"source_folder_path": "/sdk/copies/made", "destination_path": "/sdk/moved"},
        shows={"jobId": ID},
        save="moving",
    ),
    call("get_bulk_job_status", ref("moving.jobId"), until=True, shows={"type": "MOVE_FOLDER", "status": "Completed"}),
    optioned(
        "list_files",
        "ListAndSearchFile",
        given={"path": "/sdk/moved/made"},
        shows={"list": [{"type": "file"}, {"type": "file"}]},
    ),
    optioned(
        "move_folder",
        "MoveFolder",
        given={"source_folder_path": "/no", "destination_path": "/sdk"},
        status=404,
        shows={"message": TEXT},
    ),
    optioned("delete_folder", "DeleteFolder", given={"folder_path": "/sdk/moved"}),
    optioned("delete_folder", "DeleteFolder", given={"folder_path": "/sdk/moved"}, status=404, shows={"message": TEXT}),
)
OTHERS = (
    call("purge_cache", ref("two.url"), shows={"requestId": ID}, save="purge"),
    call("purge_file_cache", ref("two.url"), shows={"requestId": ID}),
    call("get_purge_cache_status", ref("purge.requestId"), until=True, shows={"status": "Completed"}),
    call("get_purge_file_cache_status", NOBODY, status=400, shows={"message": TEXT}),
    call(
        "url",
        {
            "options": {
                "path": "/sdk/one.png",
                "transformation": [{"width": 2}],
                "signed": True,
                "expireSeconds": 60,
            }
        },
        shows=re.compile(r".*tr:w-2/sdk/one.png.*ik-s=[0-9a-f]{40}.*"),
    ),
    call("get_authentication_parameters", shows={"token": ID, "expire": Real, "signature": ID}),
    call("delete_file", ref("one.fileId")),
    call("delete_file", ref("one.fileId"), status=404, shows={"message": TEXT}),
    call("bulk_delete", [ref("two.fileId")], shows={"successfullyDeletedFileIds": [ID]}),
    call("bulk_file_delete", [NOBODY], status=404, shows={"missingFileIds": [NOBODY]}),
    call("delete_custom_metadata_field", ref("field.id")),
    call("delete_custom_metadata_field", ref("field.id"), status=404, shows={"message": TEXT}),
    call("get_custom_metadata_fields", {"includeDeleted": True}, shows={"list": [{"name": "price"}]}),
    call("list_files", until=True, status=429, shows={"message": TEXT}),
)
STEPS = (*FILES, *FOLDERS, *OTHERS)
