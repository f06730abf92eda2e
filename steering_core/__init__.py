"""How features live in neural networks: the code behind the book.

One folder for each part of the book, and `publishing` for what leaves the package: figures, claims,
studies and the site. The parts never import one another.
"""

__version__ = "1.0.0"
