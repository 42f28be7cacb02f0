"""Which module of `questions` holds the exercises of which notebook. A new notebook adds its line here."""

QUESTIONS: dict[int, str] = {
    0: "getting_started",
    1: "recurrent_networks",
    2: "gates",
    3: "gru_classifier",
    4: "simple_rnn_classifier",
    5: "forecasting",
    6: "autoencoders",
    7: "text_generation",
    8: "attention",
    9: "weighing_evidence",
    10: "many_trainings",
    11: "autoencoders_at_work",
    12: "prediction_intervals",
    13: "memory",
}
