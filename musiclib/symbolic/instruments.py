"""The instruments that the course has names for, as General MIDI numbers them."""

# General MIDI programs, counted from 0, by the name that the course uses.
INSTRUMENTS = {
    "piano": 0,
    "bright piano": 1,
    "honky-tonk piano": 3,
    "harpsichord": 6,
    "celesta": 8,
    "vibraphone": 11,
    "drawbar organ": 16,
    "percussive organ": 17,
    "rock organ": 18,
    "organ": 19,
    "reed organ": 20,
    "accordion": 21,
    "guitar": 24,
    "steel guitar": 25,
    "jazz guitar": 26,
    "electric guitar": 27,
    "muted guitar": 28,
    "overdriven guitar": 29,
    "distortion guitar": 30,
    "bass": 32,
    "violin": 40,
    "viola": 41,
    "cello": 42,
    "harp": 46,
    "strings": 48,
    "choir": 52,  # aah
    "voice": 53,  # ooh
    "trumpet": 56,
    "muted trumpet": 59,
    "horn": 60,
    "soprano saxophone": 64,  # the alto, 65, has no E4 in this soundfont
    "tenor saxophone": 66,
    "baritone saxophone": 67,  # nothing above F#5
    "oboe": 68,
    "bassoon": 70,
    "clarinet": 71,
    "flute": 73,
    "recorder": 74,
    "fiddle": 110,
}
