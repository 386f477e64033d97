"""Groups and splits: nothing that shares a mark is ever torn apart."""

from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.data.split import group_by_shared, split_groups

ITEMS = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.lists(st.integers(0, 12), max_size=3)
)


@given(items=ITEMS)
def test_items_share_a_group_exactly_if_a_chain_of_marks_joins_them(items):
    groups = group_by_shared(items)
    assert sorted(item for group in groups for item in group) == sorted(items)
    # reference: transitive closure by repeated merging of sets
    closed = [({item}, set(marks)) for item, marks in items.items()]
    merged = True
    while merged:
        merged = False
        for i, (first, marks) in enumerate(closed):
            for j in range(i + 1, len(closed)):
                if marks & closed[j][1]:
                    closed[i] = (first | closed[j][0], marks | closed[j][1])
                    del closed[j]
                    merged = True
                    break
            if merged:
                break
    assert {frozenset(group) for group in groups} == {frozenset(group) for group, _ in closed}


@given(items=ITEMS, seed=st.integers(0, 5))
def test_a_split_keeps_groups_together_and_overfills_no_set(items, seed):
    groups = group_by_shared(items)
    chosen = split_groups(groups, {"test": 0.3, "dev": 0.2}, rest="train", seed=seed)
    assert set(chosen) == set(items)
    for group in groups:
        assert len({chosen[item] for item in group}) == 1
    assert list(chosen.values()).count("test") <= 0.3 * len(items)
    assert list(chosen.values()).count("dev") <= 0.2 * len(items)
    assert chosen == split_groups(groups[::-1], {"test": 0.3, "dev": 0.2}, "train", seed)
