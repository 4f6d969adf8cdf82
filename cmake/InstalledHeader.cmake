# cmake -DFROM=header -DTO=header -P InstalledHeader.cmake
#
# Copies a header of the language to where it is installed. Here headers are
# included from the root of the sources; there, from a folder of our own.

file(READ "${FROM}" text)
string(REGEX REPLACE "#include \"(dsl|kernels)/" "#include \"tessera/\\1/" text "${text}")
file(WRITE "${TO}" "${text}")
