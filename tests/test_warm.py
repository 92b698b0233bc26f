"""The question that compiles the kernels has an answer one can compute."""

from mobility.engine.warm import compile_kernels


def test_one_home_and_one_bus():
    # Due at the gate at 300; the bus leaves the door at 100 and the shift starts at 400.
    assert compile_kernels() == 300
