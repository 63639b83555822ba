"""skyreels: films of any length with SkyReels-V2, from the terminal."""

__version__ = "0.1.0"
