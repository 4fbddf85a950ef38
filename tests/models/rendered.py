"""Pictures of things that ImageNet knows, drawn by hand."""

import math

import cv2
import numpy as np


def traffic_light() -> np.ndarray:
    picture = np.full((224, 224, 3), (120, 170, 220), np.uint8)
    cv2.rectangle(picture, (80, 30), (144, 190), (25, 25, 25), -1)
    for y, colour in ((58, (240, 30, 20)), (110, (70, 60, 10)), (162, (10, 60, 30))):
        cv2.circle(picture, (112, y), 22, colour, -1, cv2.LINE_AA)
    cv2.rectangle(picture, (106, 190), (118, 224), (60, 60, 60), -1)
    return picture


def clock() -> np.ndarray:
    picture = np.full((224, 224, 3), (200, 190, 170), np.uint8)
    cv2.circle(picture, (112, 112), 85, (30, 30, 30), -1, cv2.LINE_AA)
    cv2.circle(picture, (112, 112), 78, (250, 250, 250), -1, cv2.LINE_AA)
    for hour in range(12):
        x, y = math.sin(hour * math.pi / 6), -math.cos(hour * math.pi / 6)
        inner, outer = (round(112 + 66 * x), round(112 + 66 * y)), (round(112 + 74 * x), round(112 + 74 * y))
        cv2.line(picture, inner, outer, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.line(picture, (112, 112), (112, 60), (0, 0, 0), 4, cv2.LINE_AA)
    cv2.line(picture, (112, 112), (150, 130), (0, 0, 0), 6, cv2.LINE_AA)
    return picture
