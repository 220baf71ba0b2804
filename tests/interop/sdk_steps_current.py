"""What today's SDKs do: `@imagekit/nodejs` 7 and `imagekitio` 5, which are generated from one description."""

from __future__ import annotations

import re
from numbers import Real

from sdk_steps import ID, NOBODY, TEXT, TIME, call, file, new, ref
from sdk_steps_account import STEPS as ACCOUNT

BAD_ID = {"message": "Your request contains invalid fileId parameter."}
NO_KEY = {"message": "Your request does not contain private API key."}
FORM = {"folder": "/sdk", "useUniqueFileName": False, "tags": ["a", "b"], "responseFields": ["tags", "customMetadata"]}
PRICE = {"name": "price", "label": "Price", "schema": {"type": "Number", "minValue": 0, "maxValue": 1000}}
WRONG = {"name": "text", "label": "Text", "schema": {"type": "Text", "minValue": 1}}
TAGGER = [{"name": "google-auto-tagging", "maxTags": 5, "minConfidence": 90}]
DETAILED = {"type": "file", "fileId": ID, "url": ID, "createdAt": TIME, "updatedAt": TIME}
PICTURE = {"fileType": "image", "width": 4, "height": 3, "size": Real, "mime": "image/png"}
FOLDER = {"type": "folder", "folderId": ID}

FIELDS = (
    call("customMetadataFields.create", PRICE, shows={"id": ID, **PRICE}, save="field"),
    call(
        "customMetadataFields.create",
        PRICE,
        status=400,
        shows={"message": re.compile("A custom metadata field with this name.* already exists.*")},
    ),
    call(
        "customMetadataFields.create",
        WRONG,
        status=400,
        shows={"message": "Invalid schema object", "errors": {"minValue": "not allowed for this type"}},
    ),
    call("customMetadataFields.list", shows=[{"name": "price", "schema": {"type": "Number"}}]),
    call("customMetadataFields.update", ref("field.id"), {"label": "Cost"}, shows={"name": "price", "label": "Cost"}),
    call("customMetadataFields.update", NOBODY, {"label": "Cost"}, status=404),
    call("customMetadataFields.update", "bad", {"label": "Cost"}, status=400, shows={"message": TEXT}),
)
UPLOADS = (
    call(
        "files.upload",
        {"file": file("one.png"), "fileName": "one.png", **FORM, "customMetadata": {"price": 5}, "extensions": TAGGER},
        shows={
            "fileId": ID,
            "name": "one.png",
            "filePath": "/sdk/one.png",
            "fileType": "image",
            "width": 4,
            "tags": ["a", "b"],
            "customMetadata": {"price": 5},
            "versionInfo": {"id": ID, "name": "Version 1"},
            "extensionStatus": {"google-auto-tagging": "success"},
            "AITags": [{"name": "Stand-in"}],
        },
        save="one",
    ),
    call(
        "beta.v2.files.upload",
        {"file": file("two.png"), "fileName": "two.png", **FORM},
        shows={"fileId": ID, "name": "two.png", "tags": ["a", "b"]},
        save="two",
    ),
    call("files.upload", {"file": file("x"), "fileName": "x", "checks": '"file.size" > 1mb'}, status=400),
    call("beta.v2.files.upload", {"file": file("x"), "fileName": "x", "tags": ["%"]}, status=400),
    call(
        "files.upload",
        {"file": file("x"), "fileName": "x"},
        key="private_other",
        status=403,
        shows={"message": "Your account cannot be authenticated."},
    ),
)
DETAILS = (
    call(
        "files.get",
        ref("one.fileId"),
        shows={**DETAILED, **PICTURE, "customMetadata": {"price": 5}, "tags": ["a", "b"]},
    ),
    call("files.get", NOBODY, status=404, shows={"message": re.compile("The requested .* does not exist.")}),
    call("files.get", "bad", status=400, shows=BAD_ID),
    call("files.get", NOBODY, key="private_other", status=403),
    call(
        "files.get", NOBODY, {"headers": {"Authorization": None}}, only="@imagekit/nodejs 7", status=401, shows=NO_KEY
    ),
    call(
        "files.get",
        NOBODY,
        {"extraHeaders": {"Authorization": new("Omit")}},
        only="imagekitio 5",
        status=401,
        shows=NO_KEY,
    ),
    call(
        "files.update",
        ref("one.fileId"),
        {
            "tags": ["c"],
            "customCoordinates": "0,0,2,2",
            "description": "a cat",
            "removeAITags": ["Stand-in"],
            "customMetadata": {"price": 7},
            "extensions": TAGGER,
        },
        shows={
            **DETAILED,
            "tags": ["c"],
            "customCoordinates": "0,0,2,2",
            "description": "a cat",
            "customMetadata": {"price": 7},
            "extensionStatus": {"google-auto-tagging": "success"},
        },
    ),
    call("files.update", ref("one.fileId"), {"tags": None, "removeAITags": "all"}, shows={"name": "one.png"}),
    call("files.update", ref("one.fileId"), {"publish": {"isPublished": True}}, shows={"isPublished": True}),
    call("files.update", ref("one.fileId"), {"customMetadata": {"price": -1}}, status=400),
    call("files.update", NOBODY, {"tags": ["c"]}, status=404),
    call("files.metadata.get", ref("one.fileId"), shows={"width": 4, "height": 3, "format": "png", "pHash": ID}),
    call("files.metadata.get", "bad", status=400, shows=BAD_ID),
    call("files.metadata.getFromURL", {"url": ref("two.url")}, shows={"width": 4, "height": 3, "format": "png"}),
)
VERSIONS = (
    call(
        "files.upload",
        {"file": file("one.png", "other"), "fileName": "one.png", **FORM},
        shows={"fileId": ID, "versionInfo": {"name": "Version 2"}},
        save="newer",
    ),
    call(
        "files.versions.list",
        ref("one.fileId"),
        shows=[
            {"type": "file", "versionInfo": {"name": "Version 2"}},
            {"type": "file-version", "versionInfo": {"name": "Version 1"}},
        ],
    ),
    call(
        "assets.list",
        {"type": "file-version", "path": "/sdk"},
        shows=[{"type": "file-version", "name": "one.png", "versionInfo": {"name": "Version 1"}}],
    ),
    call(
        "files.versions.get",
        ref("one.versionInfo.id"),
        {"fileId": ref("one.fileId")},
        shows={"type": "file-version", "name": "one.png", "versionInfo": {"name": "Version 1"}, "width": 4},
    ),
    call("files.versions.get", NOBODY, {"fileId": ref("one.fileId")}, status=404),
    call("files.versions.list", "bad", status=400, shows=BAD_ID),
    call(
        "files.versions.restore",
        ref("one.versionInfo.id"),
        {"fileId": ref("one.fileId")},
        shows={"type": "file", "name": "one.png", "width": 4},
    ),
    call(
        "files.versions.delete",
        ref("one.versionInfo.id"),
        {"fileId": ref("one.fileId")},
        status=400,
        shows={"message": "You cannot delete current version of a file."},
    ),
    call("files.versions.delete", ref("newer.versionInfo.id"), {"fileId": ref("one.fileId")}),
    call("files.versions.get", ref("newer.versionInfo.id"), {"fileId": ref("one.fileId")}, status=404),
)
BULK = (
    call(
        "files.bulk.addTags",
        {"fileIds": [ref("one.fileId"), ref("two.fileId")], "tags": ["new", "red"]},
        shows={"successfullyUpdatedFileIds": [ID, ID]},
    ),
    call(
        "files.bulk.removeTags",
        {"fileIds": [ref("one.fileId")], "tags": ["red"]},
        shows={"successfullyUpdatedFileIds": [ID]},
    ),
    call(
        "files.bulk.removeAITags",
        {"fileIds": [ref("one.fileId")], "AITags": ["Stand-in"]},
        shows={"successfullyUpdatedFileIds": [ID]},
    ),
    call(
        "files.bulk.addTags",
        {"fileIds": [NOBODY], "tags": ["new"]},
        status=404,
        shows={"message": TEXT, "missingFileIds": [NOBODY]},
    ),
)
MOVES = (
    call("folders.create", {"folderName": "made", "parentFolderPath": "/sdk"}),
    call(
        "folders.create",
        {"folderName": "a/b", "parentFolderPath": "/sdk"},
        status=400,
        shows={"message": "folderName parameter cannot have a slash."},
    ),
    call(
        "files.copy",
        {"sourceFilePath": "/sdk/one.png", "destinationPath": "/sdk/made/", "includeFileVersions": True},
    ),
    call("files.copy", {"sourceFilePath": "/sdk/no.png", "destinationPath": "/sdk/made/"}, status=404),
    call("files.move", {"sourceFilePath": "/sdk/two.png", "destinationPath": "/sdk/made/"}),
    call(
        "files.move",
        {"sourceFilePath": "/sdk/two.png", "destinationPath": "/sdk/made/"},
        status=404,
        shows={"message": "No file found with filePath /sdk/two.png", "reason": "SOURCE_FILE_MISSING"},
    ),
    call(
        "files.rename",
        {"filePath": "/sdk/made/two.png", "newFileName": "three.png", "purgeCache": True},
        shows={"purgeRequestId": ID},
        save="renamed",
    ),
    call(
        "files.rename",
        {"filePath": "/sdk/made/three.png", "newFileName": "one.png"},
        status=409,
        shows={
            "message": "File with name one.png already exists at the same location.",
            "reason": "FILE_ALREADY_EXISTS",
        },
    ),
    call(
        "files.rename",
        {"filePath": "/sdk/made/no.png", "newFileName": "x.png"},
        status=404,
        shows={"reason": "FILE_MISSING"},
    ),
    call("files.get", ref("two.fileId"), shows={"filePath": "/sdk/made/three.png", "name": "three.png"}),
)
LISTS = (
    call(
        "assets.list",
        {"path": "/sdk/made", "sort": "ASC_NAME"},
        shows=[{**DETAILED, **PICTURE, "name": "one.png"}, {**DETAILED, "name": "three.png"}],
    ),
    call("assets.list", {"path": "/sdk/made", "sort": "DESC_NAME", "skip": 1, "limit": 1}, shows=[{"name": "one.png"}]),
    call(
        "assets.list",
        {"searchQuery": 'tags IN ["red"] AND name : "three"', "fileType": "image"},
        shows=[{"name": "three.png"}],
    ),
    call("assets.list", {"type": "folder", "path": "/sdk"}, shows=[{**FOLDER, "name": "made"}]),
    call(
        "assets.list",
        {"type": "all", "path": "/sdk", "sort": "ASC_NAME"},
        shows=[{**FOLDER, "folderPath": "/sdk/made"}, {**DETAILED, "name": "one.png"}],
    ),
    call("assets.list", {"searchQuery": 'createdAt > "soon"'}, status=400, shows={"message": TEXT}),
)
FOLDERS = (
    call(
        "folders.copy",
        {"sourceFolderPath": "/sdk/made", "destinationPath": "/sdk/copies", "includeVersions": True},
        shows={"jobId": ID},
        save="copying",
    ),
    call(
        "folders.job.get",
        ref("copying.jobId"),
        until=True,
        shows={"type": "COPY_FOLDER", "status": "Completed"},
    ),
    call(
        "assets.list",
        {"path": "/sdk/copies/made", "sort": "ASC_NAME"},
        shows=[{"name": "one.png"}, {"name": "three.png"}],
    ),
    call(
        "folders.move",
        {"sourceFolderPath": "/sdk/copies/made", "destinationPath": "/sdk/moved"},
        shows={"jobId": ID},
        save="moving",
    ),
    call("folders.job.get", ref("moving.jobId"), until=True, shows={"type": "MOVE_FOLDER", "status": "Completed"}),
    call(
        "folders.rename",
        {"folderPath": "/sdk/moved/made", "newFolderName": "named", "purgeCache": True},
        shows={"jobId": ID},
        save="naming",
    ),
    call("folders.job.get", ref("naming.jobId"), until=True, shows={"type": "RENAME_FOLDER", "status": "Completed"}),
    call(
        "assets.list",
        {"path": "/sdk/moved/named", "sort": "ASC_NAME"},
        shows=[{"name": "one.png"}, {"name": "three.png"}],
    ),
    call("folders.copy", {"sourceFolderPath": "/no", "destinationPath": "/sdk"}, status=404, shows={"message": TEXT}),
    call("folders.job.get", NOBODY, status=404),
    call("folders.delete", {"folderPath": "/sdk/moved"}),
    call("folders.delete", {"folderPath": "/sdk/moved"}, status=404, shows={"message": TEXT}),
)
HELPERS = (
    call(
        "helper.buildSrc",
        {
            "urlEndpoint": ref("urlEndpoint"),
            "src": "/sdk/one.png",
            "transformation": [{"width": 2}],
            "signed": True,
            "expiresIn": 60,
        },
        shows=ID,
    ),
    call("helper.buildTransformationString", [{"width": 2}, {"rotation": 90}], shows="w-2:rt-90"),
    call("helper.getAuthenticationParameters", shows={"token": ID, "expire": Real, "signature": ID}),
    call(
        "webhooks.unwrap",
        ref("webhook.body"),
        {"headers": ref("webhook.headers"), "key": ref("webhook.secret")},
        shows={"type": "file.created"},
    ),
    call("webhooks.unsafeUnwrap", ref("webhook.body"), shows={"type": "file.created"}),
)
END = (
    call("files.delete", ref("one.fileId")),
    call("files.delete", ref("one.fileId"), status=404, shows={"message": "The requested file does not exist."}),
    call("files.delete", "bad", status=400, shows=BAD_ID),
    call(
        "files.bulk.delete",
        {"fileIds": [ref("two.fileId")]},
        shows={"successfullyDeletedFileIds": [ID]},
    ),
    call("files.bulk.delete", {"fileIds": [NOBODY]}, status=404, shows={"message": TEXT, "missingFileIds": [NOBODY]}),
    call("customMetadataFields.delete", ref("field.id")),
    call(
        "customMetadataFields.delete",
        ref("field.id"),
        status=404,
        shows={"message": re.compile("No such custom metadata field exists.*")},
    ),
    call("customMetadataFields.list", {"includeDeleted": True}, shows=[{"name": "price"}]),
    call("assets.list", until=True, status=429, shows={"message": TEXT}),
)
STEPS = (*FIELDS, *UPLOADS, *DETAILS, *VERSIONS, *BULK, *MOVES, *LISTS, *FOLDERS, *ACCOUNT, *HELPERS, *END)
