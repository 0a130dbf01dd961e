import gc

import pytest

from unshrink.imports import quick_imports


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    gc.unfreeze()


@pytest.mark.parametrize("collecting", [True, False])
def test_collection_is_as_it_was_after_the_imports(collecting):
    (gc.enable if collecting else gc.disable)()
    try:
        with quick_imports():
            assert not gc.isenabled()
        assert gc.isenabled() == collecting
        with pytest.raises(ImportError), quick_imports():
            import unshrink.nowhere  # noqa: F401
        assert gc.isenabled() == collecting
    finally:
        gc.enable()
