"""What both engines are asked for, whatever their words for it."""


class Engine:
    """What the tests need of an engine.

    Attributes
    ----------
    marks : list
        What to ignore of the warnings of older and newer versions.
    Classifier, Objective, Metric : type
        Ours for the engine, and ``Wrapper`` its own classifier.
    small : dict
        Constructor words of a model that trains quickly.
    offset, offsets_of_sets, weights_of_sets, go_on : str
        Words of ``fit``.
    stop_after, metric : str
        Constructor words: rounds without progress, metrics of the validation sets.
    further : dict
        Parameters of the engine that no constructor names, and ``changed`` other ones.
    synonyms : tuple of dict
        One setting by the name that the constructor has, and by its alias.
    subsampled, categories, silent : dict
        Words that draw rows, that allow categories, and of ``fit``, that print nothing.
    modes : list of dict
        Words that train models of other kinds.
    any_labels, same_bins, free_leaves : dict
        Words of the engine's own training: labels that the objective has to check,
        features binned alike by both interfaces, leaves as large as their samples say.
    first_set, focal_metric : str
        Names in the results: of the first validation set, and of the focal loss.
    endings : tuple of str
        Of the files that a booster writes.
    raw_type, raw_order : type, str
        Of the raw predictions that an objective gets.
    softmax_bound : int
        Bound of a softmax step.
    unstored : float
        What a sparse matrix doesn't hold.
    """

    def __init__(self, ours, classifier, wrapper):
        self.Objective, self.Metric = ours.FocalObjective, ours.FocalMetric
        self.Classifier, self.Wrapper = classifier, wrapper

    def pick(self, **by_name):
        return by_name[self.name]

    def classifier(self, **words):
        return self.Classifier(**self.small | words)

    def watched_raw(self, model, X):
        """Return the raw predictions that metrics see, which is before the shift."""
        return model.decision_function(X) - model.calibration_shift_

    def plain(self, **words):
        return self.Wrapper(**self.small | words)
