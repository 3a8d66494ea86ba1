// The Reporting room; furnished by the files beside this one.
