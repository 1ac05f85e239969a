"""The function of the benchmark."""


def cube(n):
    return n * n * n
