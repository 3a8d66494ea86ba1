// The Inference room; furnished by the files beside this one.
