"""How the bundled weights were made: VAE, then images, short clips and full windows for the transformer."""
