"""Files at their URLs, as uploaded or transformed.

| module | contents |
|---|---|
| `endpoint` | parses delivery URLs, checks signatures and access, responds |
| `transformation_parser` | parses transformations such as `w-400,h-300:rt-90`, with their layers |
| `value_checks` | the keys of transformations, and checks of their values |
| `arithmetic` | expressions in transformations |
| `render` | opens a stored image, has the steps applied, encodes the result |
| `layers` | applies the steps, and puts layers on the image |
| `layer_files` | finds the images and fonts of layers in the library |
| `text_layer` | draws the text of a layer |
| `limits` | limits of steps, rotations and pixels |
| `resize` | resizes and crops an image: sizes, crop modes, focus, padding |
| `effects` | trims, rotates and flips an image; effects, corners, border, background |
"""
