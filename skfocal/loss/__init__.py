"""The focal loss of raw predictions."""

from skfocal.loss._loss import FocalLoss

__all__ = ["FocalLoss"]
