// The Evaluation room; furnished by the files beside this one.
