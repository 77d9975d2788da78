"""Models of our own: text to numbers in Python, numbers to scores in ONNX, nothing about the person."""
