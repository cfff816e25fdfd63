"""Readers: each on a miniature of the layout its owners ship, and on a wrong one."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from agent import media
from eval import cards, data_cli, leaks, readers, samples
from eval.readers import LayoutError
from eval.samples import Sample, SamplesError


def put(root: Path, **files: str) -> None:
    """Files by path, with `__` for a folder."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def touch(root: Path, *names: str) -> None:
    put(root, **dict.fromkeys(names, ""))


def ravdess(root: Path) -> None:
    touch(
        root,
        "Actor_12/03-01-06-01-02-01-12.wav",
        "Actor_01/01-02-05-02-01-02-01.mp4",
        "Actor_01/notes.txt",
    )


def emodb(root: Path) -> None:
    touch(root, "wav/03a01Fa.wav", "wav/16b10Wb.wav", "wav/readme.wav")


def crema_d(root: Path) -> None:
    touch(root, "VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1034_IEO_HAP_HI.flv")
    put(root, **{"VideoDemographics.csv": '"ActorID","Age","Sex","Race","Ethnicity"\n'
                 '1001,51,"Male","Caucasian","Not Hispanic"\n'
                 '1034,74,"Male","Caucasian","Not Hispanic"\n'})  # fmt: skip


def meld(root: Path) -> None:
    head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season\n"
    put(root, **{
        "dev_sent_emo.csv": head + '1,"Oh, no.",Ross,sadness,negative,0,0,4\n',
        "test_sent_emo.csv": head + "1,Hey!,All,joy,positive,2,5,4\n",
    })  # fmt: skip
    touch(root, "dev/dev_splits_complete/dia0_utt0.mp4")
    touch(root, "test/output_repeated_splits_test/dia2_utt5.mp4")


def iemocap(root: Path) -> None:
    put(root, **{
        "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt":
            "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
            "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
            "C-E2:\tNeutral;\t()\n"
            "[10.0100 - 11.3925]\tSes01F_impro01_M001\txxx\t[5.0000, 1.0000, 2.5000]\n",
        "Session1/dialog/transcriptions/Ses01F_impro01.txt":
            "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\n",
    })  # fmt: skip
    touch(root, *(f"Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_{n}.wav"
                  for n in ("F000", "M001")))  # fmt: skip


def ch_sims(root: Path) -> None:
    put(root, **{
        "metadata/sentiment/label_M.csv":
            "video_id,clip_id,label\nvideo_0001,1,-0.8\nvideo_0001,2,0.6\n",
        "metadata/test_index.csv": "index\n1\n",
        "metadata/train_index.csv": "index\n0\n",
        "metadata/Translation.csv": "video_id,clip_id,Chinese,English\nvideo_0001,2,好,good\n",
    })  # fmt: skip
    touch(root, "Raw/video_0001/0001.mp4", "Raw/video_0001/0002.mp4")


def ch_sims_v2(root: Path) -> None:
    put(root, **{"meta.csv": "video_id,clip_id,text,label,label_T,mode\n"
                 "aqgy3_0001,00000,好,1.0,0.8,test\n"
                 "aqgy3_0002,00001,不,-0.2,0,train\n"})  # fmt: skip
    touch(root, "Raw/aqgy3_0001/00000.mp4", "Raw/aqgy3_0002/00001.mp4")


def mustard(root: Path) -> None:
    row = {"utterance": "Great.", "speaker": "SHELDON", "context": [], "sarcasm": True}
    put(root, **{"data/sarcasm_data.json": json.dumps(
        {"1_60": row, "2_9": row | {"sarcasm": False, "show": "FRIENDS"}})})  # fmt: skip
    touch(root, "videos/utterances_final/1_60.mp4", "videos/utterances_final/2_9.mp4")


def dfew(root: Path) -> None:
    folder = "EmoLabel_DataSplit"
    put(root, **{
        f"{folder}/train(single-labeled)/set_1.csv": "video_name,label\n00002,7\n",
        f"{folder}/test(single-labeled)/set_1.csv": "video_name,label\n1,4\n",
    })  # fmt: skip
    touch(root, "Clip/clip_original/00001.mp4", "Clip/clip_original/00002.mp4")


def mafw(root: Path) -> None:
    put(root, **{"split/single/no_caption/set_1/train.txt": "00001.mp4 anger\n",
                 "split/single/no_caption/set_1/test.txt": "00002.mp4 helplessness\n"})  # fmt: skip
    touch(root, "data/clips/00001.mp4", "data/clips/00002.mp4")


def raf_db(root: Path) -> None:
    put(root, **{"EmoLabel/list_patition_label.txt": "train_00001.jpg 5\ntest_0001.jpg 4\n"})
    touch(root, "Image/aligned/train_00001_aligned.jpg", "Image/aligned/test_0001_aligned.jpg")


def afew(root: Path) -> None:
    touch(root, "Train_AFEW/Angry/000046280.avi", "Val_AFEW/Happy/000149120.avi")


def fer2013(root: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    put(root, **{"fer2013.csv": f"emotion,pixels,Usage\n0,{pixels},Training\n"
                 f"3,{pixels},PrivateTest\n"})  # fmt: skip


def fea_20k(root: Path) -> None:
    row = {"id": "7", "dataset": "RAF-AU", "image": "0001.jpg", "AUs": ["AU6", "AU12"],
           "labels": ["happiness"], "description": "Cheeks up.", "question": "?"}  # fmt: skip
    other = row | {"id": "8", "AUs": []}
    put(root, **{"stage1_test.jsonl": json.dumps(row) + "\n",
                 "stage1_train.jsonl": json.dumps(other) + "\n"})  # fmt: skip


def mer2023(root: Path) -> None:
    put(root, **{"train-label.csv": "name,discrete,valence\nsample_0001,happy,2.5\n",
                 "test1-label.csv": "name,discrete,valence\nsample_0002,worried,-1\n"})  # fmt: skip
    touch(root, "train/sample_0001.avi", "test1/sample_0002.mp4")


def mer2024(root: Path) -> None:
    put(root, **{"label-disdim.csv": "name,discrete\nsample_1,sad\n"})
    touch(root, "video-labeled/sample_1.mp4")


def mer2025(root: Path) -> None:
    put(root, **{
        "track1_train_disdim.csv": "name,discrete,valence\nsample_1,sad,-2\n",
        "track2_train_ovmerd.csv": "name,openset\nsample_2,\"['proud', 'glad']\"\n",
        "track3_train_ovmerd.csv": "name,reason\nsample_2,She smiles.\n",
        "track2_train_mercaptionplus.csv": "name,openset\nsample_3,\"[worried, tired]\"\n",
        "subtitle_chieng.csv": "name,chinese,english\nsample_2,好,good\n",
    })  # fmt: skip
    touch(root, *(f"video/sample_{n}.mp4" for n in (1, 2, 3)))


def mer2026(root: Path) -> None:
    put(root, **{"track1_train.csv": "name,discrete\nsample_1,surprise\n",
                 "track2_train_human.csv": "name,openset\nsample_1,\"['awe']\"\n"})  # fmt: skip
    touch(root, "video/sample_1.mp4")


def bah(root: Path) -> None:
    folder = "dataset-splits/video-level/BAH_DB/split-0"
    clip = "Videos/82711/Visite_1/82711_Question_1_Video.mp4"
    put(root, **{f"{folder}/test.txt": f"{clip},1,Well, I go, sometimes.\n"})
    touch(root, f"data/{clip}")


def disfa(root: Path) -> None:
    put(root, **{
        "ActionUnit_Labels/SN001/SN001_au1.txt":
            "".join(f"{n},{3 if n <= 30 else 0}\n" for n in range(1, 401)),
        "ActionUnit_Labels/SN001/SN001_au12.txt":
            "".join(f"{n},{1 if n <= 200 else 5}\n" for n in range(1, 401)),
    })  # fmt: skip
    touch(root, "Videos_LeftCamera/LeftVideoSN001_comp.avi")


def picture(*paths: Path) -> None:
    """A small picture at each path."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 24), (90, 60, 30)).save(path)


def workbook(file: Path, *rows: tuple[str | int, ...]) -> None:
    """As spreadsheet programs write it: texts shared, numbers inline, no empty cells."""
    shared = [*dict.fromkeys(str(c) for row in rows for c in row if isinstance(c, str) and c)]
    lines = []
    for r, row in enumerate(rows, 1):
        cells = [(f"{chr(65 + at)}{r}", cell) for at, cell in enumerate(row) if cell != ""]
        lines.append(f'<row r="{r}">' + "".join(
            f'<c r="{ref}" t="s"><v>{shared.index(cell)}</v></c>' if isinstance(cell, str)
            else f'<c r="{ref}"><v>{cell}</v></c>' for ref, cell in cells) + "</row>")  # fmt: skip
    ns = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as book:
        texts = "".join(f"<si><t>{text}</t></si>" for text in shared)
        book.writestr("xl/sharedStrings.xml", f"<sst {ns}>{texts}</sst>")
        sheet = f"<worksheet {ns}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        book.writestr("xl/worksheets/sheet1.xml", sheet)


def casme2(root: Path) -> None:
    workbook(
        root / "CASME2-coding-20140508.xlsx",
        ("Subject", "Filename", "", "OnsetFrame", "ApexFrame", "OffsetFrame", "", "Action Units",
         "Estimated Emotion"),
        (1, "EP02_01f", "", 46, 59, 48, "", "4+L10", "disgust"),
        (26, "EP18_50", "", 11, "/", 12, "", "12 or 14", "others"),
    )  # fmt: skip
    folder = root / "CASME2_RAW_selected"
    picture(*(folder / f"sub01/EP02_01f/img{n}.jpg" for n in (45, 46, 47, 48, 49, 100)))
    picture(*(folder / f"sub26/EP18_50/img{n}.jpg" for n in (11, 12)))


def samm(root: Path) -> None:
    workbook(
        root / "SAMM_Micro_FACS_Codes_v2.xlsx",
        ("Spontaneous movements",),
        ("", "Codes"),
        ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units",
         "Estimated Emotion"),
        ("006", "006_1_2", 562, 564, 563, "AU4A + R7", "Anger"),
    )  # fmt: skip
    picture(*(root / f"SAMM/006/006_1_2/006_{n:05d}.jpg" for n in (561, 562, 563)))


def casme3(root: Path) -> None:
    workbook(
        root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "emotion"),
        ("spNO.1", "a", 3, 4, 5, "4+7", "anger"),
        ("spNO.1", "a", 8, 8, 9, "12", "happy"),
    )
    folder = root / "part_A/spNO.1/a/color"
    picture(*(folder / f"{n}.jpg" for n in (1, 2, 3, 5, 7, 8, 9, 10)))


def bp4d(root: Path) -> None:
    head = "0,1,2,4,6,7,10,12,14,15,17,23,24\n"
    rows = "".join(f"{n},1{',0' * 5},{9 if n < 300 else 1}{',0' * 5}\n" for n in range(201, 441))
    put(root, **{"AUCoding/AU_OCC/F001_T1.csv": head + rows})
    picture(*(root / f"Sequences/F001/T1/{n:04d}.jpg" for n in range(176, 204)))


def ferv39k(root: Path) -> None:
    put(root, **{"4_setups/All_scenes/train_All.csv": "Action/Angry/0001 Angry\n",
                 "4_setups/All_scenes/test_All.csv": "Daily/Happy/0002 Happy\n"})  # fmt: skip
    for name in ("Action/Angry/0001", "Daily/Happy/0002"):
        picture(*(root / f"2_ClipsforFaceCrop/{name}/{n:04d}.jpg" for n in (1, 2)))


def rendered(root: Path) -> None:
    truth = {"skin_tone": 0.9, "speech": True, "frames": {"AU12_L": [0, 3.0], "AU12_R": [0, 0.5],
             "AU04_B": [1.0, 1.5]}}  # fmt: skip
    root.mkdir(parents=True, exist_ok=True)
    with gzip.open(root / "face_1.json.gz", "wt") as file:
        json.dump(truth, file)
    touch(root, "face_1.mp4")


MINIATURES: dict[str, tuple[Callable[[Path], None], dict[str, dict[str, object]]]] = {
    "ravdess": (ravdess, {
        "03-01-06-01-02-01-12.wav": {"label": "fearful"},
        "01-02-05-02-01-02-01.mp4": {"label": "angry"}}),
    "emodb": (emodb, {"03a01Fa": {"label": "happiness"}, "16b10Wb": {"label": "anger"}}),
    "crema-d": (crema_d, {"1001_DFA_ANG_XX": {"label": "anger", "sentence": "DFA"},
                          "1034_IEO_HAP_HI": {"label": "happy", "sentence": "IEO"}}),
    "meld": (meld, {"dev/dia0_utt0": {"label": "sadness", "sentiment": "negative"},
                    "test/dia2_utt5": {"label": "joy", "sentiment": "positive"}}),
    "iemocap": (iemocap, {
        "Ses01F_impro01_F000": {"valence": -0.25, "arousal": -0.25, "label": "neutral"},
        "Ses01F_impro01_M001": {"valence": 1.0, "arousal": -1.0}}),
    "ch-sims": (ch_sims, {"video_0001_0001": {"sentiment": -0.8},
                          "video_0001_0002": {"sentiment": 0.6}}),
    "ch-sims-v2": (ch_sims_v2, {"aqgy3_0001_00000": {"sentiment": 1.0},
                                "aqgy3_0002_00001": {"sentiment": -0.2}}),
    "mustard": (mustard, {"1_60": {"label": "sarcastic"}, "2_9": {"label": "sincere"}}),
    "dfew": (dfew, {"00001": {"label": "angry"}, "00002": {"label": "fear"}}),
    "mafw": (mafw, {"00001": {"label": "anger"}, "00002": {"label": "helplessness"}}),
    "raf-db": (raf_db, {"train_00001": {"label": "sadness"}, "test_0001": {"label": "happiness"}}),
    "afew": (afew, {"train/000046280": {"label": "angry"}, "val/000149120": {"label": "happy"}}),
    "fer2013": (fer2013, {"00000": {"label": "angry"}, "00001": {"label": "happy"}}),
    "fea-20k": (fea_20k, {
        "RAF-AU/7": {"aus": ["AU6", "AU12"], "labels": "happiness", "label": "happiness",
                     "description": "Cheeks up."},
        "RAF-AU/8": {"aus": [], "labels": "happiness", "label": "happiness",
                     "description": "Cheeks up."}}),
    "mer2023": (mer2023, {"sample_0001": {"label": "happy", "sentiment": 2.5},
                          "sample_0002": {"label": "worried", "sentiment": -1.0}}),
    "mer2024": (mer2024, {"sample_1": {"label": "sad"}}),
    "mer2025": (mer2025, {"sample_1": {"label": "sad", "sentiment": -2.0}}),
    "ov-merd": (mer2025, {"sample_2": {"labels": "proud, glad", "description": "She smiles."}}),
    "mer-caption-plus": (mer2025, {"sample_3": {"labels": "worried, tired"}}),
    "mer2026": (mer2026, {"sample_1": {"label": "surprise", "labels": "awe"}}),
    "bah": (bah, {"82711_Question_1_Video": {"label": "ambivalence"}}),
    "disfa": (disfa, {"SN001@0": {"aus": ["AU1"]}, "SN001@10": {"aus": ["AU12"]}}),
    "casme2": (casme2, {"sub01/EP02_01f@46": {"label": "disgust", "aus": ["AU4", "AU10"]},
                        "sub26/EP18_50@11": {"label": "others", "aus": []}}),
    "samm": (samm, {"006/006_1_2@562": {"label": "anger", "aus": ["AU4", "AU7"]}}),
    "casme3": (casme3, {"spNO.1/a@3": {"label": "anger", "aus": ["AU4", "AU7"]},
                        "spNO.1/a@8": {"label": "happy", "aus": ["AU12"]}}),
    "bp4d": (bp4d, {"F001_T1@0": {"aus": ["AU1", "AU12"]}}),
    "ferv39k": (ferv39k, {"Action/Angry/0001": {"label": "angry"},
                          "Daily/Happy/0002": {"label": "happy"}}),
    "rendered-faces": (rendered, {"face_1": {"aus": ["AU12"]}}),
}  # fmt: skip


@pytest.mark.parametrize("reader", MINIATURES)
def test_a_reader_takes_what_the_owners_ship(reader: str, tmp_path: Path) -> None:
    made, wanted = MINIATURES[reader]
    made(tmp_path)
    found = {sample.id: sample for sample in readers.read(reader, tmp_path)}
    assert {id: dict(sample.labels) for id, sample in found.items()} == wanted
    if reader != "fea-20k":  # ships no pictures
        assert all(sample.path and sample.path.exists() for sample in found.values())
    names = {card.name for card in map(cards.load, cards.names()) if card.reader == reader}
    assert {sample.dataset for sample in found.values()} == names


@pytest.mark.parametrize("reader", MINIATURES)
def test_a_wrong_layout_is_told(reader: str, tmp_path: Path) -> None:
    touch(tmp_path, "something.txt")
    with pytest.raises(LayoutError, match="nothing matches"):
        list(readers.read(reader, tmp_path))
    with pytest.raises(LayoutError, match="is not a folder"):
        list(readers.read(reader, tmp_path / "nowhere"))


def test_every_reader_of_a_card_has_a_miniature() -> None:
    assert {c.reader for c in map(cards.load, cards.names()) if c.reader} == set(MINIATURES)


def test_who_says_it_is_told(tmp_path: Path) -> None:
    iemocap(tmp_path)
    found = list(readers.read("iemocap", tmp_path))
    assert [s.person for s in found] == ["01F", "01M"]
    assert found[0].text == "Excuse me."
    assert found[1].groups["sex"] == "male"


def test_folders_of_pictures_are_opened_as_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "CASME2"
    casme2(root)
    first = next(iter(readers.read("casme2", root)))
    assert first.path is not None and first.path.is_dir()
    assert first.span == (1 / 200, 4 / 200)  # numbers 46 to 48 are the second to the fourth
    file = tmp_path / "casme2.jsonl"
    samples.write([first], file)
    (again,) = samples.read(file)
    assert again == first
    about = media.probe(again.clip) if again.clip else None
    assert about is not None and (about.fps, about.width, about.height) == (200.0, 32, 24)
    assert again.clip == again.clip
    picture(root / "CASME2_RAW_selected/sub01/EP02_01f/img101.jpg")
    assert again.clip != first.path


def test_coded_frames_are_found_among_the_pictures(tmp_path: Path) -> None:
    bp4d(tmp_path)
    (sample,) = readers.read("bp4d", tmp_path)
    assert sample.span == (1.0, 10.6)  # coded from number 201, pictures from 176
    assert (sample.split, sample.groups["sex"], sample.fps) == ("fold3", "female", 25.0)


def test_dropped_frames_are_bridged(tmp_path: Path) -> None:
    casme3(tmp_path)
    first, second = readers.read("casme3", tmp_path)
    assert first.span == (2 / 30, 4 / 30)  # 3 and 5 of 1 2 3 5: 4 was dropped
    assert second.span == (5 / 30, 7 / 30)


def test_a_table_that_names_a_missing_folder_is_told(tmp_path: Path) -> None:
    casme2(tmp_path)
    (tmp_path / "CASME2_RAW_selected/sub26").rename(tmp_path / "CASME2_RAW_selected/sub27")
    with pytest.raises(LayoutError, match=r"names .*sub26/EP18_50, which is not there"):
        list(readers.read("casme2", tmp_path))
    (tmp_path / "CASME2-coding-20140508.xlsx").write_text("no workbook")
    with pytest.raises(LayoutError, match="save it again as CSV"):
        list(readers.read("casme2", tmp_path))


def test_a_table_without_its_column_names_those_it_has(tmp_path: Path) -> None:
    dfew(tmp_path)
    put(tmp_path, **{"EmoLabel_DataSplit/test(single-labeled)/set_1.csv": "video,label\n1,4\n"})
    with pytest.raises(LayoutError, match="lacks the column video_name; it has video, label"):
        list(readers.read("dfew", tmp_path))


def test_check_counts_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data_cli.main(["check", "meld", "--root", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "test table" in told and "Expected: train_sent_emo.csv" in told
    meld(tmp_path)
    (tmp_path / "test/output_repeated_splits_test/dia2_utt5.mp4").unlink()
    touch(tmp_path, "test/output_repeated_splits_test/dia9_utt9.mp4")
    assert data_cli.main(["check", "meld", "--root", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "1 clips are named but not there" in told and "the card says 13708" in told


def test_prepare_and_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "EMO-DB"
    emodb(root)
    out = root / "samples.jsonl"
    assert data_cli.main(["prepare", "EMO-DB", "--root", str(root), "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert json.loads(out.read_text().splitlines()[0])["path"] == "wav/03a01Fa.wav"
    again = samples.read(out)
    first = next(iter(readers.read("emodb", root)))
    assert again[0] == first
    assert data_cli.main(["prepare", "raer", "--root", str(root)]) == 2
    assert "no reader yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a"', "line 1: not JSON"),
        ('{"labels": {}}', "needs an object with an id"),
        ('{"id": "a", "labels": "happy"}', "labels must be an object"),
        ('{"id": "a", "labels": {}, "lable": 1}', "unknown lable"),
        ('{"id": "a", "labels": {}, "span": "all"}', "span must be two numbers"),
        ("", "holds no sample"),
        ('{"id": "a", "labels": {}}\n{"id": "a", "labels": {}}', "a second sample"),
    ],
)
def test_samples_that_cannot_be_used_name_the_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "s.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(SamplesError, match=said):
        samples.read(file)


def test_what_predicts_is_given_no_label() -> None:
    sample = Sample("x", Path("happy.mp4"), {"label": "happy"}, "own", person="p", text="Hm.")
    given = samples.task(sample)
    assert "happy" not in json.dumps([given.text, given.span, given.language])
    assert not {"labels", "id", "person", "groups"} & set(given.__slots__)


def test_leaks_between_splits_are_found(tmp_path: Path) -> None:
    def one(id: str, person: str, split: str, content: str, label: str = "sad") -> Sample:
        path = tmp_path / f"{id}.wav"
        path.write_text(content)
        return Sample(id, path, {"label": label}, "own", person=person, split=split)

    clean = [one("a", "p1", "train", "A"), one("b", "p2", "test", "B")]
    assert leaks.within(clean, "person", hash_files=True) == []
    shared = [*clean, one("c", "p1", "test", "C")]
    assert "same person" in leaks.within(shared, "person")[0]
    assert leaks.within(shared, "clip") == []
    twin = [*clean, one("d", "p3", "train", "B", "glad")]
    told = leaks.within(twin, "person", hash_files=True)
    assert any("same content" in line for line in told)
    assert any("different labels" in line for line in told)
    seen = [{"sha256": leaks.digest(clean[1].path)}] if clean[1].path else []
    assert "1 of 2 test samples share their content" in leaks.between(clean, seen)[0]
    assert leaks.between(clean, [{"dataset": "else", "id": "a"}]) == []
    assert len(leaks.held(clean)) == 2


def test_real_files_of_ravdess_and_emodb(shared: Path) -> None:
    ours = list(readers.read("ravdess", shared / "media"))
    theirs = list(readers.read("emodb", shared / "media"))
    stated = json.loads((shared / "media" / "labels.json").read_text())
    known = {Path(row["file"]).name: row["label"] for row in stated}
    assert len(ours) == 8 and len(theirs) == 7
    assert {s.person for s in ours} == {"actor-01"}
    assert {s.groups["sex"] for s in (*ours, *theirs)} == {"male"}
    for sample in (*ours, *theirs):
        assert sample.path and sample.path.exists()
        said = known[sample.path.name]
        assert said["emotion"] == sample.labels["label"]
        assert said.get("transcript") in (None, sample.text)


def test_a_card_is_a_source_of_captions(tmp_path: Path) -> None:
    from agent.captions.samples import SourceError
    from agent.captions.sources import Source
    from agent.captions.sources import samples as clips_of
    from eval.card_clips import clips

    emodb(tmp_path)
    found = list(clips_of(Source("EMO-DB", root=tmp_path), clips))
    assert [clip.id for clip in found] == ["03a01Fa", "16b10Wb"]
    assert found[0].labels == {"label": "happiness"}
    assert clips("no-such-card", tmp_path) is None
    with pytest.raises(SourceError, match="give --root"):
        clips("emodb", None)
    with pytest.raises(SourceError, match="is not laid out"):
        list(clips("meld", tmp_path) or ())
