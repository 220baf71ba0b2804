"""What a file is, and the metadata in it.

| module | part |
|---|---|
| `inspection` | kind, format, size in pixels, codecs |
| `facts` | what the upload response says of a file's content |
| `metadata` | EXIF, IPTC and XMP |
| `phash` | the perceptual hash of a picture |
"""
