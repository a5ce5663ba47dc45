"""Records in a few arrays: the same as a list of objects, in less memory, none of it a video's."""

import hashlib
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.data import VideoList, VideoRecord
from snl_video.data.video_list import RecordTable

names = st.text(st.characters(), max_size=8)
records = st.lists(
    st.builds(VideoRecord, st.one_of(names, names.map(lambda n: f"/data/v/{n}")), st.just(3), names)
)


@given(records)
@settings(deadline=None, max_examples=300)
def test_records_come_back_as_they_were(found):
    table = RecordTable(found)
    assert list(table) == found
    assert len(table) == len(found)
    assert table == found
    assert pickle.loads(pickle.dumps(table)) == table


@pytest.mark.parametrize(
    "paths",
    [
        ["/a/b/c.mp4"],
        ["/a/b/c.mp4", "/a/b/cd.mp4"],
        ["/a/b.mp4", "c.mp4"],
        ["", "/a/b.mp4", ""],
        ["", ""],
        ["/a/\udcff.mp4", "/a/ü.mp4"],
        ["/a/", "/a/"],
    ],
)
def test_paths_with_and_without_a_shared_folder(paths):
    found = [VideoRecord(path, i - 1, f"{i}") for i, path in enumerate(paths)]
    assert list(RecordTable(found)) == found


def test_it_is_a_sequence():
    found = [VideoRecord(f"/v/{i}.mp4", i, f"{i}.mp4") for i in range(5)]
    table = RecordTable(found)
    assert (table[0], table[-1], table[1:4:2]) == (found[0], found[-1], found[1:4:2])
    assert table.index(found[3]) == 3
    assert table != found[:4]
    assert table != [*found[:4], VideoRecord("/v/4.mp4", 4, "other")]
    for number in (5, -6):
        with pytest.raises(IndexError):
            table[number]
    videos = VideoList(iter(found), [])
    assert isinstance(videos.records, RecordTable)
    np.testing.assert_array_equal(videos.labels, range(5))


def test_a_hash_of_names_of_any_bytes():
    found = [VideoRecord("/v/a\udcff.mp4", 0, "a\udcff.mp4")]
    assert VideoList(found, ["a"]).sha256() != VideoList([], ["a"]).sha256()
    known = VideoList([VideoRecord("/v/ü.mp4", 1, "ü.mp4")], ["a", "b"]).sha256()
    assert known == hashlib.sha256("ü.mp4 1\n".encode()).hexdigest()


def kinetics_like(count):
    for i in range(count):
        name = f"{'yoga' if i % 2 else 'drum'}/{i:011x}_{i % 300:06d}_{i % 300 + 10:06d}"
        yield VideoRecord(f"/datasets/kinetics400/videos/train/{name}.mp4", i % 400, name)


def test_memory_and_pickle_of_a_large_list():
    count = 20_000
    objects = pickle.dumps(list(kinetics_like(count)))
    tracemalloc.start()
    try:
        as_objects = list(kinetics_like(count))
        objects_memory, _ = tracemalloc.get_traced_memory()
        table = RecordTable(as_objects)
        del as_objects
        memory, _ = tracemalloc.get_traced_memory()
        labels = {record.label for record in table}
        del labels
        after_reading, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    name = len("drum/00000000000_000000_000010.mp4")
    assert table.nbytes == count * (name + 4 * 4 + 4)
    assert memory < table.nbytes + 50_000
    assert memory < objects_memory / 4
    assert after_reading < memory + 50_000
    assert len(pickle.dumps(table)) < min(table.nbytes + 5000, len(objects))
