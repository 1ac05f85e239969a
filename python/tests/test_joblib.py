"""joblib and scikit-learn in workers of Fanlane."""

import os
import unittest

import fanlane
import functions
from support import Case

try:
    import joblib
except ImportError:
    joblib = None
try:
    import numpy
    import sklearn
except ImportError:
    sklearn = None


def threads_of(_):
    return os.environ.get("OMP_NUM_THREADS")


@unittest.skipUnless(joblib, "joblib is not installed")
class Joblib(Case):
    def setUp(self):
        super().setUp()
        fanlane.register_joblib()

    def test_gives_what_other_backends_give(self):
        calls = [joblib.delayed(functions.add)(n, b=2 * n) for n in range(40)]
        expected = [3 * n for n in range(40)]
        with joblib.parallel_config("fanlane", n_jobs=2):
            self.assertEqual(joblib.Parallel()(calls), expected)
            # The workers are kept within the block.
            first = set(joblib.Parallel(batch_size=1)(joblib.delayed(functions.process)() for _ in range(6)))
            second = set(joblib.Parallel(batch_size=1)(joblib.delayed(functions.process)() for _ in range(6)))
            self.assertLessEqual(len(first | second), 2)
            self.assertNotIn(os.getpid(), first)
            self.assertEqual(list(joblib.Parallel(return_as="generator")(calls)), expected)
            self.assertEqual(sorted(joblib.Parallel(return_as="generator_unordered")(calls)), expected)
            self.assertEqual(joblib.Parallel(n_jobs=1)(calls), expected)

    def test_failures_and_timeouts_leave_it_usable(self):
        with joblib.parallel_config("fanlane", n_jobs=2):
            with self.assertRaisesRegex(ValueError, "no 3s, please"):
                joblib.Parallel()(joblib.delayed(functions.fail)(n) for n in range(6))
            self.assertRaises(fanlane.WorkerDied, joblib.Parallel(batch_size=1), (joblib.delayed(functions.die)(n) for n in range(6)))
            self.assertRaises(Exception, joblib.Parallel(timeout=0.1), [joblib.delayed(functions.sleep)(600)] * 2)
            self.assertEqual(joblib.Parallel()(joblib.delayed(functions.cube)(n) for n in range(4)), [0, 1, 8, 27])

    def test_threads_of_libraries_are_bounded(self):
        with joblib.parallel_config("fanlane", n_jobs=2, inner_max_num_threads=1):
            self.assertEqual(joblib.Parallel()(joblib.delayed(threads_of)(n) for n in range(2)), ["1", "1"])

    def test_parameters_of_the_pool(self):
        with joblib.parallel_config("fanlane", n_jobs=2, retries=1, name="batches"):
            paths = [os.path.join(self.folder, str(n)) for n in range(3)]
            calls = [joblib.delayed(functions.fail_once)(path) for path in paths]
            self.assertEqual(joblib.Parallel(batch_size=1)(calls), ["second"] * 3)


@unittest.skipUnless(sklearn and joblib, "scikit-learn is not installed")
class ScikitLearn(Case):
    def test_a_grid_search_has_the_scores_of_a_sequential_one(self):
        from sklearn.datasets import make_classification
        from sklearn.model_selection import GridSearchCV
        from sklearn.tree import DecisionTreeClassifier

        fanlane.register_joblib()
        x, y = make_classification(300, random_state=1)
        grid = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 4]}

        def scores(jobs):
            search = GridSearchCV(DecisionTreeClassifier(random_state=1), grid, cv=3, n_jobs=jobs).fit(x, y)
            return search.cv_results_["mean_test_score"].tolist(), search.best_params_

        with joblib.parallel_config("fanlane"):
            ours = scores(2)
        self.assertEqual(ours, scores(1))

    def test_arrays_are_not_copied_into_pickles_and_stay_those_of_the_script(self):
        given = numpy.arange(1_000_000, dtype="f8")
        with fanlane.Pool(2) as pool:
            doubled = pool.apply(double_in_place, (given,))
            self.assertTrue((doubled == 2 * given).all())
            doubled[0] = 7
            self.assertEqual(given[1], 1)
            self.assertEqual([its.sum() for its in pool.map(numpy.ones, [10, 200_000])], [10, 200_000])


def double_in_place(array):
    array *= 2
    return array


if __name__ == "__main__":
    unittest.main()
