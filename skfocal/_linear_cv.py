"""Cross-validated paths of linear classifiers."""
class FocalLogisticRegressionCV: pass
