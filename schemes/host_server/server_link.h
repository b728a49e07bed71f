#pragma once

// The two ways to reach a server of the host: start it, or find it listening.

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "schemes/host_server/handover.h"

namespace halfcell::host_server {

// What reach() answers where the program has ended by itself in a way that it would end in again: its
// arguments make no sense to it, or there is none. Once: whoever tries later tries anew.
inline constexpr int kHopeless = ECANCELED;

class ServerLink : public Rendezvous {
  public:
    // The connection is over, or was never made: begin again with the next reach(). A server that was started
    // is ended, and waited for. Blocks for the host's work.
    virtual void let_go() = 0;
    // Gives away the socket that reach() got, for somebody else to send offers over.
    virtual host::UniqueFd take_rendezvous() = 0;

    // What the last attempt failed for, where there is more to say than its errno, or how a server ended that
    // was not ended by us; else empty. Known after let_go().
    [[nodiscard]] virtual std::string trouble() const { return {}; }

    int send(const server::HandoverOffer& offer, int descriptor) override;
    Presented await(int connection, Clock::time_point deadline) override;

  protected:
    // The socket that offers go over; -1 where there is none.
    [[nodiscard]] virtual int rendezvous() const = 0;
};

// Starts a program, found in PATH, with the host's environment; it ends with the thread that reached it. It
// has no standard input, and our standard error as its output.
std::unique_ptr<ServerLink> make_command_link(std::vector<std::string> words);

// Connects to a server that listens at a path.
std::unique_ptr<ServerLink> make_socket_link(std::string path);

}  // namespace halfcell::host_server
