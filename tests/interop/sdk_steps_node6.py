"""What npm's `imagekit` 6 does: the SDK before today's."""

from __future__ import annotations

import re
from numbers import Real

from sdk_steps import ID, NOBODY, TEXT, TIME, call, file, ref
from sdk_steps_current import BAD_ID, DETAILED, FOLDER, FORM, PICTURE, PRICE, TAGGER

VERSION = {"fileId": ref("one.fileId"), "versionId": ref("one.versionInfo.id")}
NEWER = {"fileId": ref("one.fileId"), "versionId": ref("newer.versionInfo.id")}

FILES = (
    call("createCustomMetadataField", PRICE, shows={"id": ID, **PRICE}, save="field"),
    call("createCustomMetadataField", PRICE, status=400, shows={"message": TEXT}),
    call("getCustomMetadataFields", shows=[{"name": "price"}]),
    call("updateCustomMetadataField", ref("field.id"), {"label": "Cost"}, shows={"label": "Cost"}),
    call(
        "upload",
        {"file": file("one.png"), "fileName": "one.png", **FORM, "customMetadata": {"price": 5}, "extensions": TAGGER},
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
    call("upload", {"file": ref("picture"), "fileName": "two.png", **FORM}, shows={"width": 4}, save="two"),
    call("upload", {"file": ref("two.url"), "fileName": "url.png"}, shows={"width": 4}),
    call("upload", {"file": file("x", "x"), "fileName": "x", "checks": '"file.size" > 1mb'}, status=400),
    call("upload", {"file": file("x", "x"), "fileName": "x"}, key="private_other", status=403),
    call("getFileDetails", ref("one.fileId"), shows={**DETAILED, **PICTURE, "customMetadata": {"price": 5}}),
    call("getFileDetails", NOBODY, status=404, shows={"message": TEXT}),
    call("getFileDetails", "bad", status=400, shows=BAD_ID),
    call(
        "updateFileDetails",
        ref("one.fileId"),
        {"tags": ["c"], "customCoordinates": "0,0,2,2", "customMetadata": {"price": 7}, "extensions": TAGGER},
        shows={"tags": ["c"], "customCoordinates": "0,0,2,2", "customMetadata": {"price": 7}, "updatedAt": TIME},
    ),
    call("updateFileDetails", ref("one.fileId"), {"publish": {"isPublished": True}}, shows={"isPublished": True}),
    call("updateFileDetails", NOBODY, {"tags": ["c"]}, status=404),
    call("getFileMetadata", ref("one.fileId"), shows={"width": 4, "format": "png", "pHash": ID}, save="metadata"),
    call("getFileMetadata", ref("two.url"), shows={"width": 4, "format": "png"}),
    call("pHashDistance", ref("metadata.pHash"), ref("metadata.pHash"), shows=0),
    call("upload", {"file": file("one.png", "other"), "fileName": "one.png", **FORM}, save="newer"),
    call(
        "getFileVersions",
        ref("one.fileId"),
        shows=[{"versionInfo": {"name": "Version 2"}}, {"versionInfo": {"name": "Version 1"}}],
    ),
    call("getFileVersionDetails", VERSION, shows={"versionInfo": {"name": "Version 1"}, "width": 4}),
    call("getFileVersionDetails", {**VERSION, "versionId": NOBODY}, status=404),
    call("restoreFileVersion", VERSION, shows={"name": "one.png", "width": 4}),
    call("deleteFileVersion", VERSION, status=400, shows={"message": "You cannot delete current version of a file."}),
    call("deleteFileVersion", NEWER),
    call(
        "bulkAddTags", [ref("one.fileId"), ref("two.fileId")], ["red"], shows={"successfullyUpdatedFileIds": [ID, ID]}
    ),
    call("bulkRemoveTags", [ref("one.fileId")], ["red"], shows={"successfullyUpdatedFileIds": [ID]}),
    call("bulkRemoveAITags", [ref("one.fileId")], ["Stand-in"], shows={"successfullyUpdatedFileIds": [ID]}),
    call("bulkAddTags", [NOBODY], ["red"], status=404, shows={"missingFileIds": [NOBODY]}),
)
FOLDERS = (
    call("createFolder", {"folderName": "made", "parentFolderPath": "/sdk"}),
    call(
        "createFolder",
        {"folderName": "a/b", "parentFolderPath": "/sdk"},
        status=400,
        shows={"message": "folderName parameter cannot have a slash."},
    ),
    call(
        "copyFile",
        {"sourceFilePath": "/sdk/one.png", "destinationPath": "/sdk/made/", "includeFileVersions": True},
    ),
    call("copyFile", {"sourceFilePath": "/no.png", "destinationPath": "/"}, status=404, shows={"message": TEXT}),
    call("moveFile", {"sourceFilePath": "/sdk/two.png", "destinationPath": "/sdk/made/"}),
    call(
        "moveFile",
        {"sourceFilePath": "/sdk/two.png", "destinationPath": "/sdk/made/"},
        status=404,
        shows={"reason": "SOURCE_FILE_MISSING"},
    ),
    call(
        "renameFile",
        {"filePath": "/sdk/made/two.png", "newFileName": "three.png", "purgeCache": True},
        shows={"purgeRequestId": ID},
    ),
    call(
        "renameFile",
        {"filePath": "/sdk/made/three.png", "newFileName": "one.png"},
        status=409,
        shows={"reason": "FILE_ALREADY_EXISTS"},
    ),
    call(
        "listFiles",
        {"path": "/sdk/made", "sort": "ASC_NAME"},
        shows=[{**DETAILED, **PICTURE, "name": "one.png"}, {"name": "three.png"}],
    ),
    call("listFiles", {"name": "three.png", "tags": ["red", "blue"]}, shows=[{"name": "three.png"}]),
    call("listFiles", {"searchQuery": 'tags IN ["red"]', "limit": 1}, shows=[{"name": "three.png"}]),
    call("listFiles", {"type": "folder", "path": "/sdk"}, shows=[{**FOLDER, "name": "made"}]),
    call(
        "listFiles",
        {"path": "/sdk", "type": "all", "sort": "ASC_NAME"},
        shows=[{**FOLDER, "name": "made"}, {"name": "one.png"}],
    ),
    call("listFiles", {"searchQuery": 'createdAt > "soon"'}, status=400, shows={"message": TEXT}),
    call(
        "copyFolder",
        {"sourceFolderPath": "/sdk/made", "destinationPath": "/sdk/copies", "includeFileVersions": True},
        shows={"jobId": ID},
        save="copying",
    ),
    call("getBulkJobStatus", ref("copying.jobId"), until=True, shows={"type": "COPY_FOLDER", "status": "Completed"}),
    call(
        "moveFolder",
        {"sourceFolderPath": "/sdk/copies/made", "destinationPath": "/sdk/moved"},
        shows={"jobId": ID},
        save="moving",
    ),
    call("getBulkJobStatus", ref("moving.jobId"), until=True, shows={"type": "MOVE_FOLDER", "status": "Completed"}),
    call("listFiles", {"path": "/sdk/moved/made"}, shows=[{"type": "file"}, {"type": "file"}]),
    call("moveFolder", {"sourceFolderPath": "/no", "destinationPath": "/sdk"}, status=404, shows={"message": TEXT}),
    call("deleteFolder", "/sdk/moved"),
    call("deleteFolder", "/sdk/moved", status=404, shows={"message": TEXT}),
)
OTHERS = (
    call("purgeCache", ref("two.url"), shows={"requestId": ID}, save="purge"),
    call("getPurgeCacheStatus", ref("purge.requestId"), until=True, shows={"status": "Completed"}),
    call("getPurgeCacheStatus", NOBODY, status=400, shows={"message": TEXT}),
    call(
        "url",
        {"path": "/sdk/one.png", "transformation": [{"width": 2}], "signed": True, "expireSeconds": 60},
        shows=re.compile(r".*tr:w-2/sdk/one.png.*ik-s=[0-9a-f]{40}.*"),
    ),
    call("getAuthenticationParameters", shows={"token": ID, "expire": Real, "signature": ID}),
    call(
        "verifyWebhookEvent",
        ref("webhook.body"),
        ref("webhook.older"),
        ref("webhook.secret"),
        shows={"event": {"type": "file.created"}},
    ),
    call("deleteFile", ref("one.fileId")),
    call("deleteFile", ref("one.fileId"), status=404, shows={"message": TEXT}),
    call("bulkDeleteFiles", [ref("two.fileId")], shows={"successfullyDeletedFileIds": [ID]}),
    call("bulkDeleteFiles", [NOBODY], status=404, shows={"missingFileIds": [NOBODY]}),
    call("deleteCustomMetadataField", ref("field.id")),
    call("deleteCustomMetadataField", ref("field.id"), status=404, shows={"message": TEXT}),
    call("getCustomMetadataFields", {"includeDeleted": True}, shows=[{"name": "price"}]),
    call(
        "listFiles",
        until=True,
        status=429,
        shows={"message": TEXT, "X-RateLimit-Limit": Real, "X-RateLimit-Reset": Real, "X-RateLimit-Interval": Real},
    ),
)
STEPS = (*FILES, *FOLDERS, *OTHERS)
