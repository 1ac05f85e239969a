"""The cubes of the numbers below N by multiprocessing.Pool.map with W workers: pool.py N W."""

import multiprocessing
import sys

from model import cube

if __name__ == "__main__":
    numbers, workers = int(sys.argv[1]), int(sys.argv[2])
    with multiprocessing.Pool(workers) as pool:
        print(sum(pool.map(cube, range(numbers))))
