"""That this file is here lets every folder of tests import `samples`."""
