"""The drawings of where parts I and IV meet: each takes results and gives a figure."""
