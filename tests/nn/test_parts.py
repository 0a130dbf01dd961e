"""Rectangles and what is resampled from a part of a picture."""

import pytest
import torch

from unshrink.nn.parts import Part, reader, whole
from unshrink.nn.resample import resize, resize_part, undo_reads, undo_resize, undo_resize_part


def test_a_part_is_cut_out_of_the_part_around_it():
    x = torch.arange(20 * 30).view(1, 1, 20, 30)
    part = Part(4, 9, 10, 12)
    around = part.grown(3, (20, 30))
    assert around == Part(1, 12, 7, 15)
    assert torch.equal(x[..., *around.slices][..., *part.within(around).slices], x[..., *part.slices])
    assert torch.equal(reader(x[..., *around.slices], around)(part), x[..., *part.slices])
    assert torch.equal(reader(x)(part), x[..., *part.slices])


def test_parts_end_with_the_picture():
    assert Part(0, 4, 8, 12).grown(9, (10, 13)) == whole((10, 13))
    assert Part(8, 11, 4, 5).over(4) == Part(2, 3, 1, 2)
    assert Part(2, 3, 1, 2).times(4) == Part(8, 12, 4, 8)
    assert Part(2, 5, 1, 2).size == (3, 1)


@pytest.mark.parametrize("size", [(20, 15), (40, 60), (31, 44), (63, 30), (13, 90)])
def test_a_resampled_part_is_that_of_the_whole(size):
    x = torch.rand(1, 3, 40, 30, dtype=torch.float64)
    made = resize(x, size)
    for part in (whole(size), Part(0, 5, 3, 9), Part(size[0] - 4, size[0], size[1] - 7, size[1])):
        assert (resize_part(reader(x), (40, 30), size, part) - made[..., *part.slices]).abs().max() < 1e-12


def test_only_what_a_part_needs_is_read():
    part = Part(100, 110, 200, 220)
    read = []

    def note(piece):
        read.append(piece)
        return torch.zeros(1, 1, *piece.size)

    resize_part(note, (1000, 1000), (500, 500), part)
    (piece,) = read
    assert piece.size[0] < 40
    assert piece.size[1] < 60


@pytest.mark.parametrize("size", [(30, 40), (37, 55), (44, 77)])
def test_undoing_a_part_is_undoing_the_whole(size):
    grid = (44, 80)
    x = torch.rand(1, 2, *grid, dtype=torch.float64)
    made = undo_resize(x, size)
    for part in (whole(size), Part(7, 12, 20, 31)):
        assert (undo_resize_part(reader(x), grid, size, part) - made[..., *part.slices]).abs().max() < 1e-12
        read = undo_reads(grid, size, part)
        assert undo_resize_part(reader(x[..., *read.slices], read), grid, size, part).shape[-2:] == part.size
