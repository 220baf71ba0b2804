"""What a file is, and the metadata embedded in it.

| module | contents |
|---|---|
| `inspection` | type, format, dimensions and codecs of a file |
| `facts` | `MediaFacts`, the result of the inspection |
| `metadata` | EXIF, IPTC and XMP |
| `open_image` | opens an untrusted image |
| `phash` | the perceptual hash of an image |
| `video_frame` | extracts a frame of a video with FFmpeg |
"""
