#include "probe_library.h"
struct sqe{ u8 op,fl; u16 r; u32 tag; u64 a[6]; u64 caller; }; struct cqe{ u8 fl,x[3]; u32 tag; u64 res; };
static u8 buf[16384] __attribute__((aligned(4096))); static struct sqe q[8]; static s64 sock,pr,pw; static volatile s64 res[8];
static s64 reply(u8 op,u8 ex,u32 tag,u64 r){ struct cqe c={op,{ex,0,0},tag,r}; return S(WRITE,sock,&c,16); }
static void opener(u64 f){ res[0]=openat(f,"held",O_RDONLY); } static void reader(u64 f){ res[1]=S(READ,f,buf+8,5); } static void mapper(u64 f){ res[2]=fmap(f,0,4096,PR|MSH,0); } static void emptyopen(u64 f){ res[0]=openat(f,"",O_RDONLY); } static void sockrd(u64 x){ static u8 b2[256]; res[3]=S(READ,sock,b2,x); }
static void closer(u64 f){ res[4]=S(CLOSE,f); }
static s64 wv(s64 t,const char*n,u64 v){ s64 f=dupn(t,n); s64 r=S(WRITE,f,&v,8); S(CLOSE,f); return r; }
static void sq(struct sqe*s){ ps("   sqe op "); pd(s->op); ps(" tag "); pd(s->tag); ps(" a"); for(int k=0;k<6;k++){ pc(' '); px(s->a[k]); } pc('\n'); }
void probe(void){ s64 r,t,t2; struct { u64 off,num,fl; u8 i; u8 p[7]; } np={0,1000,0x30000,0,{0}};
 H("socket read rules (scheme served from the caller's own address space)"); sock=dupn(TAG|16,"create-scheme-and-more"); P(sock); s64 root=S(DUP,sock,&np,32); P(root); P(S(FCNTL,sock,4,O_NONBLOCK)); P(S(READ,sock,q,64)); P(S(READ,sock,q,63)); P(S(READ,sock,q,0)); P(S(FEVENT,sock,3)); P(S(FPATH,sock,buf,40)); P(S(FSTAT,sock,buf,104)); P(S(FSYNC,sock)); P(S(WRITE2,sock,buf,16,0,-1)); P(S(WRITE,sock,buf,0)); P(S(LSEEK,sock,0,2));

 t=thread(opener,root); msleep(20); P(S(FEVENT,sock,3)); memset(buf,0,256); P(S(READ,sock,buf,10)); P(S(READ,sock,buf,0)); P(S(READ,sock,buf,100)); sq((void*)buf); struct sqe*s=(void*)buf; STRV("path",(void*)s->a[1],4); V("page mapped in own space",s->a[1]); P(S(READ,sock,buf,64)); P(S(WRITE,sock,"",0)); P(S(FUNMAP,s->a[1],4096)); P(S(MPROTECT,s->a[1],4096,PR)); { struct cqe two[2]={{0,{1,0,0},s->tag,7},{0,{0,0,0},999,0}}; P(S(WRITE,sock,two,32)); } msleep(20); V("opened",res[0]); s64 h=res[0];
 t=thread(reader,h); msleep(20); P(S(READ,sock,q,64)); sq(q); V("raw ptr == buf+8",q[0].a[1]==(u64)(buf+8)); buf[8]=0x55; P(reply(0,0,q[0].tag,2)); msleep(20); V("res",res[1]); V("b",buf[8]); P(fmap(h,0,4096,PR|MSH,0));
 t=thread(reader,h); t2=thread(reader,h); msleep(30); P(S(READ,sock,q,100)); sq(q); P(S(READ,sock,q+2,256)); sq(q+2); reply(0,0,q[0].tag,1); reply(0,0,q[2].tag,1); msleep(20);
 P(S(FCNTL,sock,4,0)); t=thread(sockrd,64); msleep(20); res[3]=777; P(wv(t,"status",3)); msleep(20); V("blocked socket read interrupted",res[3]); S(FCNTL,sock,4,O_NONBLOCK);
 H("EMFILE leaks"); s64 n=0,f; while((f=S(DUP,dbg,0,0))>=0) n=f; t=thread(opener,root); S(YIELD); S(YIELD); S(YIELD); r=S(READ,sock,q,64); R("read",r); if(r==64){ sq(q); reply(0,0,q[0].tag,8); } u64 e=now()+50000000; while(now()<e) S(YIELD); V("open result",res[0]); P(S(READ,sock,q,64)); S(CLOSE,n); S(CLOSE,n-1); S(CLOSE,n-2); S(CLOSE,n-3); S(CLOSE,n-4);S(CLOSE,n-5);S(CLOSE,n-6);S(CLOSE,n-7);
 H("close with dead scheme"); res[0]=-1; t=thread(opener,root); msleep(20); P(S(READ,sock,q,64)); sq(q); P(reply(0,0,q[0].tag,9)); msleep(20); s64 h2=res[0]; V("h2",h2); s64 d2=S(DUP,h2,0,0); P(S(CLOSE,sock)); P(S(READ,h2,buf,1)); P(S(CLOSE,d2)); P(S(CLOSE,h2)); P(S(FCNTL,h2,1,0)); P(S(CLOSE,root)); P(S(CLOSE,h)); 
 H("next scheme id"); s64 s2=dupn(TAG|16,"create-scheme"); np.num=5; s64 r2=S(DUP,s2,&np,32); S(FCNTL,s2,4,O_NONBLOCK); s64 io=openat(TAG|8,"iostat",0); (void)io; 
 H("close creation cap"); P(S(CLOSE,TAG|16)); P(dupn(TAG|16,"create-scheme"));
}
