"""`videobert-train search`: what it reads, and the checkpoint that it leaves behind."""

import json

from models.checkpoint import DESCRIPTION_FILE
from models.configuration import VideoBERTConfig
from models.text_tower import build_text_tower
from tests.training.data import write_clips, write_table
from training.__main__ import main
from training.search_material import read_words


def test_the_tower_reads_every_plain_piece_of_the_vocabulary_once():
    tower = build_text_tower(VideoBERTConfig.of_size("nano", text_vocab_size=30_522)).eval()
    words = read_words(tower)
    assert {"fall", "fight", "##ing", "crash"} <= words.pieces.keys()
    assert "[CLS]" not in words.pieces
    assert len(words.rows) == len(words.pieces) == len(words.scales)


def test_a_task_that_the_checkpoint_lacks_is_refused_before_anything_is_written(checkpoint, tmp_path, capsys):
    before = (checkpoint.folder / DESCRIPTION_FILE).read_text()
    write_table(write_clips(tmp_path / "data", "a.mp4"), "file,label,group\na.mp4,waltz,1\n")
    code = main(["search", "--task", f"dance={tmp_path / 'data'}", "--checkpoint", str(checkpoint.folder)])
    assert code == 3
    assert "There is no task dance; the checkpoint has " in capsys.readouterr().err
    assert json.loads((checkpoint.folder / DESCRIPTION_FILE).read_text()) == json.loads(before)
