"""Object detection: any number of objects in each image, a box and a class for each."""
