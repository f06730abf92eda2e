"""How features live in neural networks: the code behind the book.

One folder for each part of the book: `steering`, `superposition`, `absolute_value` and
`sparse_autoencoders`, which never import one another. Below them lie `language_model`,
`sparse_features`, `lockstep`, and `publishing`, for what leaves the package: figures, claims,
studies and the site. Above them, `vector_or_latent` is where the first part and the last meet, and
`costs` times them all.
"""

__version__ = "1.0.0"
