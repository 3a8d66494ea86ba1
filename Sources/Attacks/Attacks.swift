// The Attacks room; furnished by the files beside this one.
