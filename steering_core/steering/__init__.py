"""Part I: steering vectors and the centre of a model's activations."""
