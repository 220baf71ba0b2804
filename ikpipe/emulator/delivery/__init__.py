"""Files at their URLs, as uploaded or transformed.

| module | contents |
|---|---|
| `endpoint` | parses delivery URLs, checks signatures and access, responds |
| `transformation_parser` | parses transformations such as `w-400,h-300:rt-90` |
| `arithmetic` | expressions in transformations |
| `render` | opens a stored image, applies the steps, encodes the result |
| `resize` | resizes and crops an image: sizes, crop modes, focus, padding |
| `effects` | trims, rotates and flips an image; effects, corners, border, background |
"""
