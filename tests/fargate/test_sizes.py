"""The size of a task for a product's memory limit: one that Fargate has, and no larger than it must be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateways.compute.ecs import MIB, RUNNER_BYTES, size_for

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html, in MiB
KNOWN = {
    256: {512, 1024, 2048},
    512: {*range(1024, 4097, 1024)},
    1024: {*range(2048, 8193, 1024)},
    2048: {*range(4096, 16385, 1024)},
    4096: {*range(8192, 30721, 1024)},
    8192: {*range(16384, 61441, 4096)},
    16384: {*range(32768, 122881, 8192)},
}


@given(st.integers(min_value=64 * MIB, max_value=122_880 * MIB - RUNNER_BYTES))
def test_every_size_is_one_that_fargate_has(limit: int) -> None:
    cpu, memory = size_for(limit)
    assert memory in KNOWN[cpu]
    wanted = limit + RUNNER_BYTES
    assert memory * MIB >= wanted
    assert all(size * MIB < wanted for units, sizes in KNOWN.items() if units < cpu for size in sizes)


@pytest.mark.parametrize(
    ("mib", "size"),
    [
        (64, (256, 512)),
        (512, (256, 1024)),
        (4096, (1024, 5120)),
        (30_000, (4096, 30_720)),
        (200_000, (16_384, 122_880)),
    ],
)
def test_sizes(mib: int, size: tuple[int, int]) -> None:
    assert size_for(mib * MIB) == size
