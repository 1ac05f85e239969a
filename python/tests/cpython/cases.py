"""CPython's tests of its pool, with that of Fanlane in its place."""

import unittest
from test import _test_multiprocessing as theirs

import fanlane


class Ours(theirs.ProcessesMixin):
    Pool = staticmethod(fanlane.Pool)


class TestPool(theirs._TestPool, Ours, unittest.TestCase):
    pass


class TestPoolWorkerErrors(theirs._TestPoolWorkerErrors, Ours, unittest.TestCase):
    pass


class TestPoolWorkerLifetime(theirs._TestPoolWorkerLifetime, Ours, unittest.TestCase):
    pass
