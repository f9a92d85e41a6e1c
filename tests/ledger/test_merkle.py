"""RFC 9162, section 2.1. The vectors are those of the certificate-transparency reference code."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.ledger import merkle

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LARGEST = 70
HASHES = [merkle.leaf_hash(str(number).encode()) for number in range(LARGEST)]


def flipped(node: bytes) -> bytes:
    return bytes([node[0] ^ 1]) + node[1:]


def root_by_definition(leaves: list[bytes]) -> bytes:
    """MTH as the RFC writes it, recursively: an independent oracle."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = max(2**power for power in range(10) if 2**power < len(leaves))
    return merkle.node_hash(root_by_definition(leaves[:split]), root_by_definition(leaves[split:]))


@pytest.mark.parametrize(("size", "expected"), ROOTS.items())
def test_roots_are_those_of_the_published_vectors(size, expected):
    assert merkle.root(merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]).hex() == expected


def test_the_empty_tree_has_the_hash_of_nothing():
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_streaming_gives_the_root_of_the_definition_at_every_size():
    frontier = merkle.Frontier()
    for size in range(LARGEST):
        assert frontier.root() == root_by_definition(HASHES[:size])
        frontier.append(HASHES[size])


def test_streaming_keeps_no_more_nodes_than_the_logarithm_of_the_size():
    frontier = merkle.Frontier()
    for number in range(100_000):
        frontier.append(HASHES[number % LARGEST])
        assert len(frontier._subtrees) <= 17


def test_no_inner_node_passes_as_an_entry():
    left, right = HASHES[:2]
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_inclusion_proof_holds_and_any_change_breaks_it(size):
    leaves = HASHES[:size]
    root = merkle.root(leaves)
    for index, leaf in enumerate(leaves):
        proof = merkle.inclusion_proof(index, leaves)
        assert merkle.verify_inclusion(leaf, index, size, proof, root)
        assert not merkle.verify_inclusion(flipped(leaf), index, size, proof, root)
        assert not merkle.verify_inclusion(leaf, index, size, proof, flipped(root))
        assert not merkle.verify_inclusion(leaf, index, size, [*proof, leaf], root)
        assert not merkle.verify_inclusion(leaf, index + 1, size, proof, root)
        assert not merkle.verify_inclusion(leaf, size, size, proof, root)
        assert not merkle.verify_inclusion(leaf, -1, size, proof, root)
        if proof:
            assert not merkle.verify_inclusion(leaf, index, size, proof[:-1], root)
            assert not merkle.verify_inclusion(leaf, index, size, [flipped(proof[0]), *proof[1:]], root)


@pytest.mark.parametrize("new_size", range(LARGEST + 1))
def test_every_consistency_proof_holds_and_any_change_breaks_it(new_size):
    leaves = HASHES[:new_size]
    new_root = merkle.root(leaves)
    for old_size in range(new_size + 1):
        old_root = merkle.root(leaves[:old_size])
        proof = merkle.consistency_proof(old_size, leaves)
        assert merkle.verify_consistency(old_size, new_size, old_root, new_root, proof)
        assert not merkle.verify_consistency(old_size, new_size, flipped(old_root), new_root, proof)
        assert not merkle.verify_consistency(old_size, new_size, old_root, new_root, [*proof, old_root])
        assert not merkle.verify_consistency(new_size + 1, new_size, old_root, new_root, proof)
        if old_size:
            assert not merkle.verify_consistency(old_size, new_size, old_root, flipped(new_root), proof)
        if proof:
            assert not merkle.verify_consistency(old_size, new_size, old_root, new_root, proof[:-1])
            changed = [*proof[:-1], flipped(proof[-1])]
            assert not merkle.verify_consistency(old_size, new_size, old_root, new_root, changed)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=LARGEST), st.data())
def test_a_changed_entry_changes_every_root_that_covers_it(contents, data):
    index = data.draw(st.integers(0, len(contents) - 1))
    leaves = [merkle.leaf_hash(content) for content in contents]
    altered = [*leaves]
    altered[index] = merkle.leaf_hash(contents[index] + b"!")
    for size in range(len(leaves) + 1):
        assert (merkle.root(altered[:size]) == merkle.root(leaves[:size])) == (size <= index)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index):
    with pytest.raises(IndexError, match="no leaf"):
        merkle.inclusion_proof(index, HASHES[:3])


def test_there_is_no_proof_that_a_larger_tree_is_a_prefix():
    with pytest.raises(IndexError, match="not a prefix"):
        merkle.consistency_proof(4, HASHES[:3])
