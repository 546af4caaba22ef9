"""musiclib.perform: a score played as a musician would, recorded as a microphone would, the same every time."""

import numpy as np
import pytest

from musiclib import acoustics, perform, symbolic

SR = 22_050
FOUR_FOUR = np.array([(4.0 * i, 4.0, 1.0) for i in range(8)], dtype=symbolic.MEASURE)


def line(count: int = 64, *, step: float = 0.5) -> np.ndarray:
    """A scale up and down in equal notes, times in quarter notes."""
    rows = [(i * step, step, 60 + abs(i % 14 - 7), 80, 0) for i in range(count)]
    return np.array(rows, dtype=symbolic.NOTE)


def rms(y: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(y, dtype=float)))


# ---------------------------------------------------------------- meter


def test_measures_of_a_chorale_with_an_upbeat():
    score = symbolic.read_score("bach/bwv66.6")
    measures = symbolic.measures(score)
    assert measures["onset"][:3] == pytest.approx([-3, 1, 5])  # one quarter note of upbeat
    assert set(measures["length"]) == {4.0} and set(measures["beat"]) == {1.0}
    notes = symbolic.notes(score, bpm=60)
    assert measures["onset"][-1] < notes["onset"].max() + 4


def test_a_slow_movement_in_nine_eight_has_three_beats_of_three():
    [measures] = {symbolic.measures(symbolic.read_score("beethoven/opus18no1/movement2.mxl"))[1].tolist()}
    assert measures == (4.5, 4.5, 1.5)


def test_weights_fall_from_the_downbeat_to_the_parts_of_a_beat():
    onsets = np.array([0, 0.5, 1, 2, 2.25, 3, 4.0])
    assert perform.metrical_weight(onsets, FOUR_FOUR) == pytest.approx([1, 1 / 8, 1 / 4, 1 / 2, 0, 1 / 4, 1])
    six_eight = np.array([(0.0, 3.0, 1.5)], dtype=symbolic.MEASURE)
    weights = perform.metrical_weight(np.array([0, 0.5, 1, 1.5, 2, 0.25, 1 / 3]), six_eight)
    assert weights == pytest.approx([1, 1 / 8, 1 / 8, 1 / 2, 1 / 8, 0, 0])
    upbeat = np.array([(-3.0, 4.0, 1.0), (1.0, 4.0, 1.0)], dtype=symbolic.MEASURE)
    assert perform.metrical_weight(np.array([0, 1.0]), upbeat) == pytest.approx([1 / 4, 1])


# ---------------------------------------------------------------- playing


@pytest.mark.parametrize("seed", range(5))
def test_the_tempo_heard_is_the_one_drawn_however_the_notes_are_written(seed):
    manner = perform.draw(seed)
    for step in (0.25, 2.0):
        played = perform.interpret(line(step=step), FOUR_FOUR, manner)
        heard = 63 / (played["onset"][-1] - played["onset"][0])
        assert heard == pytest.approx(manner.rate, rel=0.02)


def test_a_downbeat_is_louder_and_nothing_is_mechanical():
    played = perform.interpret(line(), FOUR_FOUR, perform.draw(3))
    down = line()["onset"] % 4 == 0
    assert played["velocity"][down].mean() > played["velocity"][~down].mean() + 5
    steps = np.diff(played["onset"])
    assert 0.01 < np.std(steps) / np.mean(steps) < 0.25
    assert np.all(played["duration"] > 0) and np.all(played["onset"] >= 0)
    assert played["pitch"].tolist() == line()["pitch"].tolist()


def test_a_chord_is_struck_together_but_not_as_one():
    chord = np.concatenate([line(), line()])
    chord["pitch"][64:] += 12
    played = perform.interpret(chord, FOUR_FOUR, perform.draw(4))
    apart = np.abs(played["onset"][:64] - played["onset"][64:])
    assert 0 < apart.mean() < 0.03 and apart.max() <= 0.06


def test_manners_differ_by_seed_and_a_seed_is_a_manner():
    manners = [perform.draw(seed) for seed in range(200)]
    assert manners[7] == perform.draw(7)
    for name in ("rate", "tuning", "reverberation", "level", "touch"):
        drawn = np.array([getattr(m, name) for m in manners])
        assert len(np.unique(drawn)) == 200, name
        assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.2, name


def test_too_few_notes_are_named():
    with pytest.raises(symbolic.ScoreError, match="at least two onsets"):
        perform.interpret(line(1), FOUR_FOUR, perform.draw(0))


# ---------------------------------------------------------------- room and microphone


def test_a_room_begins_with_the_direct_sound_and_dies_away_in_its_time():
    response = acoustics.room(SR, 0.8, 0.3, seed=1)
    assert response.shape == (round(0.8 * SR) + 1,) and response[0] == 1
    assert np.sum(response[1:] ** 2) == pytest.approx(0.3)
    early, late = response[round(0.1 * SR) : round(0.2 * SR)], response[round(0.5 * SR) : round(0.6 * SR)]
    assert rms(early) - rms(late) == pytest.approx(60 * 0.4 / 0.8, abs=6)
    with pytest.raises(ValueError, match="reverberation=0"):
        acoustics.room(SR, 0, 0.3)


def test_without_room_equalizer_and_noise_only_the_level_changes():
    plain = perform.draw(1)._replace(distance=0.0, equalizer=(0.0,) * 5, noise=-200.0, level=-30.0)
    y = np.random.default_rng(0).normal(0, 0.1, SR).astype(np.float32)
    heard = perform.record(y, SR, plain)
    assert rms(heard) == pytest.approx(-30, abs=0.01)
    assert np.corrcoef(y, heard)[0, 1] > 0.99999


def test_the_equalizer_and_the_noise_floor_are_as_drawn():
    base = perform.draw(1)._replace(distance=0.0, noise=-200.0, level=-30.0)
    t = np.arange(SR) / SR
    two = np.sin(2 * np.pi * 200 * t) + np.sin(2 * np.pi * 1800 * t)
    heard = perform.record(two, SR, base._replace(equalizer=(0.0, -4.0, 0.0, 4.0, 0.0)))
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(SR)))
    assert 20 * np.log10(spectrum[1800] / spectrum[200]) == pytest.approx(8, abs=0.2)
    burst = two * (t < 0.5)
    noisy = perform.record(burst, SR, base._replace(equalizer=(0.0,) * 5, noise=-40.0))
    assert rms(noisy[round(0.6 * SR) :]) == pytest.approx(-30 - 40, abs=0.5)


def test_silence_cannot_be_recorded():
    with pytest.raises(ValueError, match="nothing to record"):
        perform.record(np.zeros(100), SR, perform.draw(0))


# ---------------------------------------------------------------- all of it


def test_equal_seeds_give_equal_bytes_and_others_another_performance():
    one, again, other = (perform.perform(line(), FOUR_FOUR, "flute", seed=s, seconds=4) for s in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert one.shape == other.shape == (4 * SR,) and one.dtype == np.float32
    assert np.max(np.abs(one)) <= 1 and abs(np.corrcoef(one, other)[0, 1]) < 0.5
    for y, seed in ((one, 1), (other, 2)):
        assert rms(y) == pytest.approx(perform.draw(seed).level, abs=0.1)


def test_a_performance_is_in_the_tuning_it_drew():
    a4 = np.array([(i, 1.0, 69, 80, 0) for i in range(4)], dtype=symbolic.NOTE)
    heard = {}
    for seed in (1, 2, 3):
        y = perform.perform(a4, FOUR_FOUR, "flute", seed=seed)
        spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 16 * len(y)))
        hertz = np.fft.rfftfreq(16 * len(y), 1 / SR)
        near = (hertz > 420) & (hertz < 460)
        heard[seed] = 1200 * np.log2(hertz[near][np.argmax(spectrum[near])] / 440) - perform.draw(seed).tuning
    values = list(heard.values())
    assert np.ptp(values) < 6  # cents; another touch and room move the strongest bin a little
    assert abs(np.mean(values)) < 15  # the recorded flute itself may lie beside 440 Hz


def test_a_piece_that_ends_too_soon_is_named():
    with pytest.raises(symbolic.ScoreError, match="60 s were asked for"):
        perform.perform(line(), FOUR_FOUR, seconds=60)


def test_a_performance_that_ends_with_a_rest_lasts_as_long_as_was_asked():
    notes = line(9)
    notes["onset"][-1] = 40.0  # after a long rest, and after the time that is asked for
    seconds = 0.9 * 8 / perform.draw(0).rate
    y = perform.perform(notes, FOUR_FOUR, seed=0, sr=SR, seconds=seconds)
    assert len(y) == round(seconds * SR)
    assert rms(y[-SR // 4 :]) < rms(y[: SR // 4]) - 20


@pytest.mark.parametrize("length", [220_500, 220_500 + 11, 65_537 - 4_096])  # and with 4096 more a prime number
def test_the_equalizer_of_any_length_is_its_curve(length):
    gains = (6.0, 0.0, -6.0, 3.0, 0.0)
    for hertz, gain in zip(acoustics.BANDS[:4], gains, strict=False):
        tone = np.sin(2 * np.pi * hertz * np.arange(length) / SR)
        y = acoustics.equalize(tone, SR, gains)
        middle = slice(length // 4, 3 * length // 4)
        assert len(y) == length
        assert rms(y[middle]) - rms(tone[middle]) == pytest.approx(gain, abs=0.05)
