// Holds the file named on the command line against the table as it would be written now.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "kernel_shim/syscall/compatibility.h"

int main(int argc, char** argv) {
    const std::string wanted = halfcell::syscall::compatibility_markdown();
    if (argc != 2) {
        std::fputs(wanted.c_str(), stdout);
        return 0;
    }
    std::ifstream file(argv[1], std::ios::binary);
    const std::string found(std::istreambuf_iterator<char>(file), {});
    if (found == wanted) return 0;
    std::printf("%s is not what table.def says; write it anew with 'halfcell compat'\n", argv[1]);
    return 1;
}
