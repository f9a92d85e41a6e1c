"""The matrix of how far each two agree: who agrees with nobody stands last, and little in common says nothing."""

import numpy as np

from annotation.agreement import heat

SAME, HALF = np.diag([10, 10, 0, 0]), np.array([[6, 4, 0, 0], [4, 6, 0, 0], [0] * 4, [0] * 4])
FEW, ONE_LABEL = np.diag([4, 4, 0, 0]), np.diag([20, 0, 0, 0])
NAMES = {1: "E-A", 2: "E-B", 3: "E-C", 4: "E-D"}


def test_those_who_agree_most_stand_first_and_rows_and_columns_are_in_one_order():
    rows = heat.matrix(NAMES, {(1, 2): HALF, (2, 3): SAME, (1, 4): FEW, (3, 4): ONE_LABEL})
    assert [row.name for row in rows] == ["E-C", "E-B", "E-A", "E-D"]
    assert [row.mean for row in rows] == [1.0, 0.6, 0.2, None]
    of_c, of_b = rows[0], rows[1]
    assert of_c.cells[0] is None
    assert (of_c.cells[1].kappa, of_c.cells[1].n, of_c.cells[1].level) == (1.0, 20, 4)
    assert of_b.cells[0] == of_c.cells[1]
    assert (of_b.cells[2].kappa, of_b.cells[2].level) == (0.2, 1)


def test_cells_without_a_kappa_say_how_much_there_is():
    rows = {row.name: row for row in heat.matrix(NAMES, {(1, 4): FEW, (3, 4): ONE_LABEL})}
    kappas = [(cell.n, cell.kappa) for cell in rows["E-D"].cells if cell]
    assert sorted(kappas, key=lambda each: each[0]) == [(0, None), (8, None), (20, None)]


def test_of_nobody_there_is_nothing():
    assert heat.matrix({}, {}) == []
